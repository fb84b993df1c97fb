"""What a task must say, so that nothing above asks for its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np


class Task(Protocol):
    """What a model answers, and how targets become what its network is to answer: a frozen dataclass.

    What else differs by task stands in one module a task of `inference`, `evaluation` and `evaluation/plots`, and in
    one table by `name` in each of them. All others ask the task.

    Attributes:
        name: Its name in records and tables.
        pipeline_tag: The nearest tag of the Hub.
        default_loss: Name of the loss where a recipe names none; None where nothing can be trained.
        losses: Names of the losses that fit.
        default_metrics: Names of the metrics of training.
        monitor: Metric of an epoch that says which one is best; "" where nothing can be trained.
        main_score: Score of an evaluation that models are ordered by; None without scores.
        usage: What a reader of the card does with an answer; "" where there is none.
        is_dense: Whether every pixel is answered, so that targets are masks.
        is_categorical: Whether an image as a whole has one of `labels`.
        target_dtype: Type of what `encode` returns.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    name: ClassVar[str]
    pipeline_tag: ClassVar[str]
    default_loss: ClassVar[str | None]
    losses: ClassVar[tuple[str, ...]]
    default_metrics: ClassVar[tuple[str, ...]]
    monitor: ClassVar[str]
    main_score: ClassVar[str | None]
    usage: ClassVar[str]
    is_dense: ClassVar[bool]
    is_categorical: ClassVar[bool]
    target_dtype: ClassVar[type[np.generic]]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in the order of their index; of a number its own name."""
        ...

    @property
    def outputs(self) -> int:
        """Number of outputs of the network for an image or a pixel."""
        ...

    @property
    def activation(self) -> str:
        """Activation of the output layer."""
        ...

    @property
    def threshold(self) -> float | None:
        """Probability from which on the second of two labels counts; None where nothing is decided."""
        ...

    @property
    def is_binary(self) -> bool:
        """Whether one output decides between two labels."""
        return False

    @property
    def unit(self) -> str | None:
        """Unit of the answer, if it has one."""
        return None

    def encode(self, values: Any) -> np.ndarray:
        """Turn targets of samples into what the network is to answer, `target_dtype` of the same shape."""
        return np.asarray(values).astype(self.target_dtype, copy=False)

    def fit(self, targets: Sequence[Any]) -> Self:
        """Return the task with what it learns from the targets of the training part."""
        return self

    def uncalibrated(self) -> Self:
        """Return the task without what was fitted to the probabilities of one network."""
        return self

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse the labels of a data set that cannot be those of this task.

        Raises:
            ValueError: They cannot; the message says how to change them.
        """
        ...

    def merges_foreground(self, labels: tuple[str, ...]) -> bool:
        """Say whether every label index above 0 of a data set with these labels counts as 1."""
        return False

    def with_labels(self, labels: int | Sequence[str]) -> Task | None:
        """Return the task of a network of this one that gets a new head for labels; None where it answers none.

        Args:
            labels: Names in the order of their index, or how many to number.
        """
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        ...
