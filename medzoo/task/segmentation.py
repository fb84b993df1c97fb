"""A label for every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from medzoo.task.labels import Labelled


@dataclass(frozen=True)
class Segmentation(Labelled):
    """Give every pixel one of `labels`.

    Two labels make one sigmoid output, the probability of the second; more make one softmax output each. A target is
    an array of label indices, 0 for the background.

    Args:
        labels: Names in the order of their index, the background first.
        threshold: Probability from which on a pixel counts as foreground; used with two labels only.

    Raises:
        ValueError: Fewer than two labels or more than 256, a name twice, or a threshold outside (0, 1).

    Example:
        >>> Segmentation(labels=("background", "tumor")).outputs
        1
    """

    labels: tuple[str, ...] = ("background", "foreground")
    threshold: float = 0.5

    name: ClassVar[str] = "segmentation"
    pipeline_tag: ClassVar[str] = "image-segmentation"
    default_loss: ClassVar[str] = "dice_crossentropy"
    losses: ClassVar[tuple[str, ...]] = ("crossentropy", "dice_crossentropy", "focal")
    default_metrics: ClassVar[tuple[str, ...]] = ("dice", "pixel_accuracy")
    monitor: ClassVar[str] = "val_dice"
    main_score: ClassVar[str] = "dice"
    # What a reader of the card does with an answer.
    usage: ClassVar[str] = 'result.save("mask.png"); result.overlay("overlay.png")'
    # Whether there is an answer for every pixel.
    is_dense: ClassVar[bool] = True

    def __post_init__(self):
        self._check("the background first", ("background", "tumor"))

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Turn probabilities `(..., outputs)` into label indices `(...)` of type uint8."""
        if self.is_binary:
            return (probabilities[..., 0] >= self.threshold).astype(np.uint8)
        return np.argmax(probabilities, axis=-1).astype(np.uint8)

    def confidence(self, probabilities: np.ndarray, label: int) -> np.ndarray:
        """Return the probability `(...)` of the label with index `label`."""
        if not self.is_binary:
            return probabilities[..., label]
        return probabilities[..., 0] if label == 1 else 1 - probabilities[..., 0]

    def adopt(self, labels: tuple[str, ...]) -> bool:
        """Say whether the label indices of a data set must be merged to become targets of this task.

        A binary model takes every foreground label of the data as its own foreground.

        Args:
            labels: Labels of the data set, the background first.

        Returns:
            False where the indices already are this task's; True where every index above 0 becomes 1.

        Raises:
            ValueError: The labels differ and the task has more than one foreground label.
        """
        if tuple(labels) == self.labels:
            return False
        if self.is_binary:
            return True
        raise ValueError(
            f"The data has the labels {tuple(labels)}, the model {self.labels}. "
            "Name them alike, for example medzoo.data.from_coco(path, labels={'tumor': ['0', '1']})."
        )
