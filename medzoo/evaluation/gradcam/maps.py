"""Grad-CAM and Grad-CAM++: from features and their gradient to the evidence at each position."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def grad_cam(activation: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the evidence at each position: the features weighted by their mean gradient, negative sums as 0.

    Args:
        activation: Features `(batch, *space, channels)`.
        gradient: Gradient of what is explained with respect to them, of the same shape.

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

    What is explained is taken as the exponential of the score, whose derivatives are powers of the score's gradient.

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
