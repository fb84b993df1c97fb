"""The random parameters of a batch: one row of numbers for every change, one number for every image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from medzoo.data.augment.augmentation import Augmentation

# Each has its own row, so that using one more does not change the others. Append new ones.
_STREAMS = (
    *("flip_horizontal", "flip_vertical", "flip_depth", "quarter_turns", "rotation", "tilt_height", "tilt_width"),
    *("scale", "stretch_height", "stretch_depth", "shift_width", "shift_height", "shift_depth"),
    *("gamma", "contrast", "brightness", "noise", "slice_jitter"),
)
# Changes that need more than one number for an image have a generator of their own.
_GENERATORS = ("numbers", "elastic", "bias_field", "noise", "mixup")


class Draws:
    """Random values for the images of a batch; the same seed gives the same values, whichever of them are drawn.

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


_AXES = ("depth", "height", "width")
_FLIPS = {"depth": "depth", "height": "vertical", "width": "horizontal"}


def _draw_matrices(augmentation: Augmentation, draws: Draws, dimensions: int) -> np.ndarray:
    """Draw matrices from output to input: flip, stretch and scale the axes, then turn, then shift.

    Returns:
        `(batch, dimensions, dimensions + 1)`; the last column is the shift as a fraction of the size.
    """
    axes = _AXES[-dimensions:]
    shift = np.stack([draws.uniform(f"shift_{axis}", augmentation.shift) for axis in axes], axis=-1)
    linear = _draw_turns(augmentation, draws, dimensions) * _draw_factors(augmentation, draws, axes)[:, None]
    return np.concatenate([linear, shift[..., None]], axis=2)


def _draw_factors(augmentation: Augmentation, draws: Draws, axes: tuple[str, ...]) -> np.ndarray:
    """Draw a factor for every axis, `(batch, dimensions)`; the others are stretched against the width."""
    scale, one = draws.factor("scale", augmentation.scale), np.ones(draws.count, np.float32)
    ratios = [one if axis == "width" else draws.factor(f"stretch_{axis}", augmentation.stretch) for axis in axes]
    flips = [draws.sign(f"flip_{_FLIPS[axis]}", _FLIPS[axis] in augmentation.flip) for axis in axes]
    return scale[:, None] * np.stack(ratios, axis=-1) * np.stack(flips, axis=-1)


def _draw_turns(augmentation: Augmentation, draws: Draws, dimensions: int) -> np.ndarray:
    """Draw rotations `(batch, dimensions, dimensions)`."""
    degree = math.pi / 180
    quarters = draws.whole("quarter_turns", 4) * 90 if augmentation.quarter_turns else 0.0
    turns = _turn(dimensions, -1, -2, (draws.uniform("rotation", augmentation.rotation) + quarters) * degree)
    if dimensions == 3 and augmentation.tilt:
        for stream, axis in (("tilt_height", -1), ("tilt_width", -2)):
            turns = turns @ _turn(3, -3, axis, draws.uniform(stream, augmentation.tilt) * degree)
    return turns


def _turn(dimensions: int, first: int, second: int, angle: np.ndarray) -> np.ndarray:
    """Return rotations in the plane of two axes, by angles `(batch,)` in radians."""
    turns = np.tile(np.eye(dimensions, dtype=np.float32), (len(angle), 1, 1))
    turns[:, first, first] = turns[:, second, second] = np.cos(angle)
    turns[:, first, second], turns[:, second, first] = -np.sin(angle), np.sin(angle)
    return turns


_SPATIAL = ("flip", "quarter_turns", "rotation", "tilt", "scale", "stretch", "shift", "elastic")

# Control points along an axis, the outermost outside of the image: four pieces for displacements, one for a bias field.
_ELASTIC_CONTROLS, _BIAS_CONTROLS = 7, 4


def draw_parameters(augmentation: Augmentation, dimensions: int, count: int, seed: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the parameters that an augmentation needs for images or volumes.

    Returns:
        `(count, ...)` float32, the keys of the noise int32: arguments of `jitter_slices`, `warp` and
        `change_intensity` by name; the augmentation decides which there are.
    """
    changes, draws = augmentation, Draws(count, seed)
    elastic, bias = (dimensions, *[_ELASTIC_CONTROLS] * dimensions), (_BIAS_CONTROLS,) * dimensions
    is_spatial = any(getattr(changes, name) for name in _SPATIAL)
    table = (
        ("offsets", changes.slice_jitter, lambda: draws.whole("slice_jitter", 2 * changes.slice_jitter + 1)),
        ("matrices", is_spatial, lambda: _draw_matrices(changes, draws, dimensions)),
        ("controls", changes.elastic, lambda: draws.controls("elastic", elastic, changes.elastic)),
        ("bias_field", changes.bias_field, lambda: draws.controls("bias_field", bias, math.log1p(changes.bias_field))),
        ("gamma", changes.gamma, lambda: draws.factor("gamma", changes.gamma)),
        ("contrast", changes.contrast, lambda: draws.factor("contrast", changes.contrast)),
        ("brightness", changes.brightness, lambda: draws.uniform("brightness", changes.brightness)),
        ("noise", changes.noise, lambda: draws.part("noise", changes.noise)),
        ("noise_keys", changes.noise, lambda: draws.keys("noise")),
    )
    return {name: make() for name, used, make in table if used}
