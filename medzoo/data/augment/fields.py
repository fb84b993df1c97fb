"""Smooth random fields over an image: cubic B-splines over a coarse grid of control points."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from medzoo.data.augment.backend import ops_of


def smooth_field(controls: Any, size: Sequence[int]) -> Any:
    """Spread control points over an image.

    A value is a weighted mean of control points, so the field stays within their range. The outermost control points
    lie outside of the image.

    Args:
        controls: `(batch, n, n)` or `(batch, n, n, n)` values, n at least 4.
        size: Height and width, or depth, height and width.

    Returns:
        `(batch, *size)` values.
    """
    ops = ops_of(controls)
    for length in size:
        # The axis in front is summed away and its pixels go to the end: once round, the order is as it was.
        controls = ops.tensordot(controls, _weights(ops, controls.shape[1], length), [[1], [1]])
    return controls


def _weights(ops: ModuleType, count: int, length: int) -> Any:
    """Return the weight of each of `count` control points at each of `length` pixels, `(length, count)`."""
    pixels = (ops.arange(length, dtype="float32") + 0.5) / ops.cast(length, "float32") * (count - 3)
    distance = ops.abs(pixels[:, None] - (ops.arange(count, dtype="float32") - 1))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = ops.maximum(2 - distance, 0.0) ** 3 / 6
    return ops.where(distance < 1, near, far)
