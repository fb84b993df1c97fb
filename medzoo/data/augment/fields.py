"""Smooth random fields over an image: cubic B-splines over a coarse grid of control points."""

from __future__ import annotations

import tensorflow as tf


def smooth_field(controls: tf.Tensor, size: list[tf.Tensor]) -> tf.Tensor:
    """Spread control points over an image.

    A value is a weighted mean of control points, so the field stays within their range. The outermost control points
    lie outside of the image.

    Args:
        controls: `(batch, n, n)` or `(batch, n, n, n)` values, n at least 4.
        size: Height and width, or depth, height and width.

    Returns:
        `(batch, *size)` values.
    """
    for length in size:
        # The axis in front is summed away and its pixels go to the end: once round, the order is as it was.
        controls = tf.tensordot(controls, _weights(controls.shape[1], length), [[1], [1]])
    return controls


def _weights(count: int, length: tf.Tensor) -> tf.Tensor:
    """Return the weight of each of `count` control points at each of `length` pixels, `(length, count)`."""
    length = tf.cast(length, tf.float32)
    pixels = (tf.range(length) + 0.5) / length * (count - 3)
    distance = tf.abs(pixels[:, None] - (tf.range(count, dtype=tf.float32) - 1))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = tf.maximum(2 - distance, 0.0) ** 3 / 6
    return tf.where(distance < 1, near, far)
