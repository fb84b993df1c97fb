"""Grad-CAM and Grad-CAM++: from features and the gradient of an answer to the evidence at each position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from medzoo.evaluation.evaluate import CASES

if TYPE_CHECKING:
    from medzoo.task import Segmentation, Task


def grad_cam(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the evidence at each position: the features weighted by their mean gradient, negative sums as 0.

    Args:
        activation: Features `(batch, *space, channels)`.
        gradient: Gradient of the explained answer with respect to them, of the same shape.

    Returns:
        `(batch, *space)`.

    Example:
        >>> grad_cam(np.array([[[[2.0, 1.0]]]]), np.array([[[[1.0, -1.0]]]])).tolist()
        [[[1.0]]]

    Source: Selvaraju et al., Grad-CAM, ICCV 2017 (arXiv 1610.02391).
    """
    return _weigh(activation, gradient.mean(axis=_space(gradient), keepdims=True))


def grad_cam_plus_plus(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the evidence at each position with weights that do not fade where a label is seen at several places.

    The explained answer is taken as the exponential of the score, whose derivatives are powers of the score's gradient.

    Args:
        activation: Features `(batch, *space, channels)`.
        gradient: Gradient of the score with respect to them, of the same shape.

    Returns:
        `(batch, *space)`.

    Example:
        >>> grad_cam_plus_plus(np.array([[[[1.0], [1.0]]]]), np.array([[[[1.0], [0.0]]]])).tolist()
        [[[0.25, 0.25]]]

    Source: Chattopadhyay et al., Grad-CAM++, WACV 2018 (arXiv 1710.11063), equations 10 and 19.
    """
    space = _space(activation)
    divisor = 2 * gradient**2 + activation.sum(axis=space, keepdims=True) * gradient**3
    alpha = gradient**2 / np.where(divisor == 0, 1, divisor)
    return _weigh(activation, (alpha * np.maximum(gradient, 0)).sum(axis=space, keepdims=True))


METHODS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "gradcam": grad_cam,
    "gradcam++": grad_cam_plus_plus,
}


def _weigh(activation: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.maximum((activation * weights).sum(axis=-1), 0)


def _space(features: np.ndarray) -> tuple[int, ...]:
    return tuple(range(1, features.ndim - 1))


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


def reduce_outputs(task: Task, outputs: np.ndarray) -> np.ndarray:
    """Return what `choose_target` needs of the outputs: the label of each pixel of a segmentation, else all."""
    return cast("Segmentation", task).decide(outputs) if task.is_dense else outputs


def choose_target(task: Task, label: str | None, answers: np.ndarray) -> Target:
    """Choose the label to explain.

    Args:
        task: Task of the model.
        label: Name of a label. None for the predicted one; of a segmentation, for that with the most pixels besides
            the background.
        answers: The network's outputs for all inputs of one scan, as `reduce_outputs` leaves them.
    """
    chosen = None if label is None else task.labels.index(label)
    index, score, where = CASES[task.name].explained(task, chosen, answers)
    return Target(task.labels[index], score, _direction(task, index), where)


def _direction(task: Task, index: int) -> np.ndarray:
    # The only output of a binary task speaks for the second label, and against the first.
    return np.array([1.0 if index else -1.0]) if task.is_binary else np.eye(task.outputs)[index]
