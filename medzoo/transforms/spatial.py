"""Size and place of an image `(height, width, channels)`, there and back."""

from __future__ import annotations

import cv2
import numpy as np


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize an image `(height, width, channels)` to `size` (height, width).

    Axes that shrink are averaged over the area of a pixel, then axes that grow are interpolated linearly.
    """
    shrunk = (min(size[0], image.shape[0]), min(size[1], image.shape[1]))
    return _scale(_scale(image, shrunk, cv2.INTER_AREA), size, cv2.INTER_LINEAR)


def fit_inside(shape: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of an image of `shape` scaled to fit centred inside `size`."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height, width = (max(1, round(side * scale)) for side in shape)
    return (size[0] - height) // 2, (size[1] - width) // 2, height, width


def paste(image: np.ndarray, size: tuple[int, int], top: int, left: int) -> np.ndarray:
    """Set an image on a black canvas of `size` with its corner at (`top`, `left`)."""
    if image.shape[:2] == size:
        return image
    canvas = np.zeros((*size, *image.shape[2:]), image.dtype)
    canvas[top : top + image.shape[0], left : left + image.shape[1]] = image
    return canvas


def _scale(image: np.ndarray, size: tuple[int, int], method: int) -> np.ndarray:
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    # OpenCV averages four channels at most, and drops a last axis of one.
    groups = [image[..., first : first + 4] for first in range(0, image.shape[-1], 4)]
    scaled = [cv2.resize(group, (width, height), interpolation=method) for group in groups]
    return np.concatenate([group.reshape(height, width, -1) for group in scaled], axis=-1)
