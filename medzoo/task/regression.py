"""One number for an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from medzoo.task.base import Task, refuse_controls


@dataclass(frozen=True)
class Regression(Task):
    """Give every image one number.

    The network answers in deviations from the mean of the training targets, so that losses mean the same whatever the
    unit; `decode` brings the answer into the unit.

    Args:
        target: Name of what is measured.
        unit: Its unit, for tables and figures.
        mean: Mean of the training targets in that unit; None until training fits it, which counts as 0.
        std: Their standard deviation; None until training fits it, which counts as 1.

    Raises:
        ValueError: `mean` or `std` is given without the other or is not finite, or `std` is not above 0.

    Example:
        >>> Regression("lvef", unit="%", mean=60, std=10).decode(np.array([[-1.5]]))
        array([45.])
    """

    target: str = "value"
    unit: str | None = None
    mean: float | None = None
    std: float | None = None

    name = "regression"
    # The Hub has no tag for one number for an image.
    pipeline_tag = "image-classification"
    default_loss = "huber"
    losses = ("huber", "mae", "mse")
    default_metrics = ("r2", "mae")
    metrics = default_metrics
    monitor = "val_r2"
    main_score = "r2"
    usage = "result.value"
    is_dense = False
    is_categorical = False
    target_dtype = np.float32
    threshold = None
    outputs = 1
    activation = "linear"

    def __post_init__(self):
        refuse_controls("target", [self.target])
        refuse_controls("unit", [self.unit])
        if (self.mean is None) != (self.std is None):
            raise ValueError(f"`mean` and `std` must be given together. Received: mean={self.mean}, std={self.std}.")
        if self.std is not None and not (np.isfinite([self.mean, self.std]).all() and self.std > 0):
            raise ValueError(f"`std` must be finite and above 0. Received: mean={self.mean}, std={self.std}.")

    @property
    def labels(self) -> tuple[str, ...]:
        """The name of the target, as the only label."""
        return (self.target,)

    def fit(self, targets: Sequence[float]) -> Regression:
        """Return this task with the mean and the deviation of training targets; one that has them stays as it is.

        Raises:
            ValueError: All values are equal, or one is not finite.
        """
        if self.std is not None:
            return self
        mean, std = float(np.mean(targets)), float(np.std(targets))
        if not std > 0:
            raise ValueError(
                f"The target '{self.target}' is {mean:g} in all {len(targets)} training images, so there is nothing to "
                "learn. Check the column of the table."
            )
        return replace(self, mean=mean, std=std)

    def encode(self, values: Any) -> np.ndarray:
        """Encode values in their unit for the network, float32 of the same shape."""
        return ((np.asarray(values, np.float64) - (self.mean or 0.0)) / (self.std or 1.0)).astype(self.target_dtype)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs of the network `(..., 1)` into values `(...)` in their unit."""
        return np.asarray(outputs, np.float64)[..., 0] * (self.std or 1.0) + (self.mean or 0.0)

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse another target than this task's.

        Raises:
            ValueError: The names differ.
        """
        if tuple(labels) != self.labels:
            raise ValueError(
                f"The data has the target {', '.join(labels)}, the model answers '{self.target}'. Read the column of "
                f"that name, for example medzoo.data.from_table(path, target={self.target!r})."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        return {"type": self.name, **asdict(self)}
