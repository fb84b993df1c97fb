"""The random parameters of a batch: one row of numbers for every change, one number for every image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# Each has its own row, so that to use one more leaves the others as they were. Append new ones.
_STREAMS = (
    *("flip_horizontal", "flip_vertical", "flip_depth", "quarter_turns", "rotation", "tilt_height", "tilt_width"),
    *("scale", "stretch_height", "stretch_depth", "shift_width", "shift_height", "shift_depth"),
    *("gamma", "contrast", "brightness", "noise", "slice_jitter"),
)
# What needs more than a number for an image has its own generator.
_GENERATORS = ("numbers", "elastic", "bias_field", "noise", "mixup")


class Draws:
    """Random values for the images of a batch; the same seed gives the same values, whichever are asked for.

    Args:
        count: Number of images.
        seed: Two integers.
    """

    def __init__(self, count: int, seed: Sequence[int] | np.ndarray):
        self.count = int(count)
        # As unsigned numbers, which a generator wants.
        self._seed = np.asarray(seed, np.int64).view(np.uint64).tolist()
        rows = 2 * self._generator("numbers").random((len(_STREAMS), self.count), np.float32) - 1
        self._rows = dict(zip(_STREAMS, rows, strict=True))

    def _generator(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng([*self._seed, _GENERATORS.index(purpose)])

    def uniform(self, stream: str, limit: float) -> np.ndarray:
        """Draw from -limit to limit."""
        return self._rows[stream] * limit

    def part(self, stream: str, limit: float) -> np.ndarray:
        """Draw from 0 to limit."""
        return (self._rows[stream] + 1) / 2 * limit

    def factor(self, stream: str, change: float) -> np.ndarray:
        """Draw from 1 / (1 + change) to 1 + change, uniform in the logarithm."""
        return np.exp(self._rows[stream] * math.log1p(change))

    def sign(self, stream: str, enabled: bool) -> np.ndarray:
        """Draw -1 or 1, or take 1."""
        return np.where(enabled & (self._rows[stream] < 0), np.float32(-1), np.float32(1))

    def whole(self, stream: str, count: int) -> np.ndarray:
        """Draw a whole number below `count`, float32."""
        return np.floor(self.part(stream, count))

    def controls(self, purpose: str, shape: tuple[int, ...], limit: float) -> np.ndarray:
        """Draw `(count, *shape)` values from -limit to limit."""
        return (2 * self._generator(purpose).random((self.count, *shape), np.float32) - 1) * limit

    def keys(self, purpose: str) -> np.ndarray:
        """Draw two numbers of 32 bits for each image, `(count, 2)`."""
        return self._generator(purpose).integers(-(2**31), 2**31, (self.count, 2), np.int32)

    def shares(self, purpose: str, alpha: float) -> np.ndarray:
        """Draw from Beta(alpha, alpha)."""
        return self._generator(purpose).beta(alpha, alpha, self.count).astype(np.float32)
