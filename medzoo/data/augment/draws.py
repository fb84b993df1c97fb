"""The random parameters of a batch: one row of numbers for every change, one number for every image."""

from __future__ import annotations

import math

import tensorflow as tf

# Each has its own row, so that to use one more leaves the others as they were. Append new ones.
_STREAMS = (
    *("flip_horizontal", "flip_vertical", "flip_depth", "quarter_turns", "rotation", "tilt_height", "tilt_width"),
    *("scale", "stretch_height", "stretch_depth", "shift_width", "shift_height", "shift_depth"),
    *("gamma", "contrast", "brightness", "noise", "slice_jitter"),
)
# What needs more than a number for an image has its own seed.
_SEEDS = ("numbers", "elastic", "bias_field", "noise", "mixup")


class Draws:
    """Random values for the images of a batch; the same seed gives the same values, whichever are asked for.

    Args:
        count: Number of images.
        seed: Two integers, shape `(2,)`.
    """

    def __init__(self, count: tf.Tensor, seed: tf.Tensor):
        self.count = count
        self._seed = tf.cast(seed, tf.int64)
        rows = tf.random.stateless_uniform((len(_STREAMS), count), self.seed("numbers"), -1.0, 1.0)
        self._rows = dict(zip(_STREAMS, tf.unstack(rows), strict=True))

    def seed(self, purpose: str) -> tf.Tensor:
        """Return the seed `(2,)` of a purpose."""
        return self._seed + tf.constant([0, _SEEDS.index(purpose)], tf.int64)

    def uniform(self, stream: str, limit: float) -> tf.Tensor:
        """Draw from -limit to limit."""
        return self._rows[stream] * limit

    def part(self, stream: str, limit: float) -> tf.Tensor:
        """Draw from 0 to limit."""
        return (self._rows[stream] + 1) / 2 * limit

    def factor(self, stream: str, change: float) -> tf.Tensor:
        """Draw from 1 / (1 + change) to 1 + change, uniform in the logarithm."""
        return tf.exp(self._rows[stream] * math.log1p(change))

    def sign(self, stream: str, enabled: bool) -> tf.Tensor:
        """Draw -1 or 1, or take 1."""
        return tf.where(self._rows[stream] < 0, -1.0, 1.0) if enabled else tf.ones((self.count,))

    def whole(self, stream: str, count: int) -> tf.Tensor:
        """Draw a whole number below `count`, float32."""
        return tf.floor(self.part(stream, count))

    def controls(self, purpose: str, shape: tuple[int, ...], limit: float) -> tf.Tensor:
        """Draw `(count, *shape)` values from -limit to limit."""
        return tf.random.stateless_uniform((self.count, *shape), self.seed(purpose), -limit, limit)

    def keys(self, purpose: str) -> tf.Tensor:
        """Draw two numbers of 32 bits for the whole batch, uint32."""
        return tf.random.stateless_uniform((2,), self.seed(purpose), None, None, tf.uint32)
