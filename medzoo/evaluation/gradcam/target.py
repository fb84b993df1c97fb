"""What of a network's answer is explained, for each task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Target:
    """One label of an answer, as a weighted sum of the outputs.

    Args:
        label: Its name; for a regression the name of the target.
        score: Probability of the label, value of a regression, or share of the pixels that have the label.
        direction: Weight of each output of the network, `(outputs,)`.
        where: Weight of each answer, `(inputs,)`, or of each of its pixels, `(inputs, *size)`.
    """

    label: str
    score: float
    direction: np.ndarray
    where: np.ndarray

    def weights(self, start: int, stop: int) -> np.ndarray:
        """Return the weights of the outputs of the inputs from `start` to `stop`, `(inputs, [*size,] outputs)`."""
        return self.where[start:stop, ..., None] * self.direction


def reduce_outputs(task: Any, outputs: np.ndarray) -> np.ndarray:
    """Return what `choose_target` needs of outputs: of a segmentation the label of each pixel, else all."""
    return task.decide(outputs) if task.is_dense else outputs


def choose_target(task: Any, label: str | None, answers: np.ndarray) -> Target:
    """Choose what is explained.

    Args:
        task: Task of the model.
        label: Name of a label. None for the predicted one; of a segmentation, for that with the most pixels besides
            the background.
        answers: The network's outputs for all inputs of one scan, as `reduce_outputs` leaves them.
    """
    return _CHOICES[task.name](task, None if label is None else task.labels.index(label), answers)


def _segmentation(task: Any, index: int | None, labels: np.ndarray) -> Target:
    if index is None:
        index = max(range(1, len(task.labels)), key=lambda index: np.count_nonzero(labels == index))
    where = labels == index
    return Target(task.labels[index], float(where.mean()), _direction(task, index), where)


def _classification(task: Any, index: int | None, outputs: np.ndarray) -> Target:
    # The mean over slices is what is predicted.
    mean = outputs.mean(axis=0)
    index = int(task.decide(mean)) if index is None else index
    score = float(task.calibrated(mean)[index])
    return Target(task.labels[index], score, _direction(task, index), np.ones(len(outputs)))


def _regression(task: Any, _: int | None, outputs: np.ndarray) -> Target:
    return Target(task.target, float(task.decode(outputs.mean(axis=0))), np.ones(1), np.ones(len(outputs)))


def _direction(task: Any, index: int) -> np.ndarray:
    # The only output of a binary task speaks for the second label, and against the first.
    return np.array([1.0 if index else -1.0]) if task.is_binary else np.eye(task.outputs)[index]


_CHOICES: dict[str, Callable[[Any, int | None, np.ndarray], Target]] = {
    "segmentation": _segmentation,
    "classification": _classification,
    "regression": _regression,
}
