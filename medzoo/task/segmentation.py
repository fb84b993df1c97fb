"""A label for every pixel, and the pixels of a mask that have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown
from medzoo.task.base import Labelled
from medzoo.task.refinement import Refinement


@dataclass(frozen=True)
class Segmentation(Labelled):
    """Give every pixel one of `labels`.

    Two labels make one sigmoid output, the probability of the second; more make one softmax output each. A target is
    an array of label indices, 0 for the background.

    Args:
        labels: Names in the order of their index, the background first.
        threshold: Probability from which on a pixel counts as foreground; used with two labels only.
        postprocess: Steps after the network for some labels, `{"tumor": {"largest": True}}`, as in `Refinement`.

    Raises:
        ValueError: Fewer than two labels or more than 256, a name twice, or a threshold outside (0, 1).

    Example:
        >>> Segmentation(labels=("background", "tumor")).outputs
        1
    """

    labels: tuple[str, ...] = ("background", "foreground")
    postprocess: tuple[tuple[str, Refinement], ...] = ()

    name = "segmentation"
    pipeline_tag = "image-segmentation"
    default_loss = "dice_crossentropy"
    losses = ("crossentropy", "dice_crossentropy", "focal")
    default_metrics = ("dice", "pixel_accuracy")
    metrics = default_metrics
    monitor = "val_dice"
    main_score = "dice"
    usage = 'result.save("mask.png"); result.overlay("overlay.png")'
    is_dense = True
    is_categorical = False
    target_dtype = np.uint8
    _FIRST = "background"

    def __post_init__(self):
        self._check("the background first", ("background", "tumor"))
        given: Any = self.postprocess or ()
        steps = dict(given.items() if isinstance(given, Mapping) else given)
        refuse_unknown("label of the postprocessing", steps, self.labels[1:])
        made = tuple((name, Refinement.from_json(value)) for name, value in steps.items())
        object.__setattr__(self, "postprocess", made)

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Turn probabilities `(..., outputs)` into label indices `(...)` of type uint8."""
        if self.is_binary:
            return (probabilities[..., 0] >= self.threshold).astype(np.uint8)
        return np.argmax(probabilities, axis=-1).astype(np.uint8)

    def decide_outputs(self, outputs: Iterator[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Turn the outputs for some pixels, `(...)` each, into label indices `(...)` and their probabilities.

        Labels are those of `decide`, but two outputs are needed at a time, however many labels there are.
        """
        best = np.array(next(outputs))
        if self.is_binary:
            labels = (best >= self.threshold).astype(np.uint8)
            return labels, np.where(labels, best, 1 - best)
        labels = np.zeros(best.shape, np.uint8)
        for index, output in enumerate(outputs, 1):
            np.putmask(labels, output > best, index)
            np.maximum(best, output, out=best)
        return labels, best

    def refine(self, mask: np.ndarray, pixel_size: float | None = None) -> np.ndarray:
        """Return a mask after the steps of `postprocess`, label by label.

        Args:
            mask: Label indices, `([depth,] height, width)`.
            pixel_size: Size of a pixel in mm2, of a voxel in mm3; None where it is not known.
        """
        for name, refinement in self.postprocess:
            mask = refinement(mask, self.labels.index(name), pixel_size)
        return mask

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        values = super().to_json()
        del values["postprocess"]
        steps = {name: refinement.to_json() for name, refinement in self.postprocess}
        # Left out where there are none, as in entries that are older than this field.
        return values | ({"postprocess": steps} if steps else {})

    def confidence(self, probabilities: np.ndarray, label: int) -> np.ndarray:
        """Return the probability `(...)` of the label with index `label`."""
        if not self.is_binary:
            return probabilities[..., label]
        return probabilities[..., 0] if label == 1 else 1 - probabilities[..., 0]

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse other labels, unless there is one foreground, which any foreground of the data can be.

        Args:
            labels: Labels of the data set, the background first.

        Raises:
            ValueError: The labels differ and the task has more than one foreground label.
        """
        if not self.is_binary and tuple(labels) != self.labels:
            raise ValueError(
                f"The data has the labels {tuple(labels)}, the model {self.labels}. "
                "Name them alike, for example medzoo.data.from_coco(path, labels={'tumor': ['0', '1']})."
            )

    def merges_foreground(self, labels: tuple[str, ...]) -> bool:
        """Say whether all labels above 0 of a data set count as 1, the only foreground of this task."""
        return self.is_binary and tuple(labels) != self.labels


# Stands in a mask for pixels that nobody labelled, which count neither in a loss nor in a score: the largest number
# of uint8, so no label of a data set that has fewer than 256.
IGNORED = 255


def ignored_pixels(mask: np.ndarray, labels: int) -> np.ndarray:
    """Return which pixels of a mask, `(...)` bool, are ignored in a data set with so many labels.

    Example:
        >>> ignored_pixels(np.array([0, 1, 255]), labels=2)
        array([False, False,  True])
    """
    return mask == IGNORED if labels <= IGNORED else np.zeros(mask.shape, bool)


def foreground(mask: np.ndarray, labels: int) -> np.ndarray:
    """Return 1 for every label of a mask but the background, uint8; ignored pixels stay so.

    Example:
        >>> foreground(np.array([0, 1, 2, 255]), labels=3)
        array([  0,   1,   1, 255], dtype=uint8)
    """
    merged = np.minimum(mask, 1).astype(np.uint8)
    merged[ignored_pixels(mask, labels)] = IGNORED
    return merged
