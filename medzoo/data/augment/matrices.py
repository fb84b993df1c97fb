"""Affine changes of images and volumes as matrices about the centre."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from medzoo.data.augment.augmentation import Augmentation
    from medzoo.data.augment.draws import Draws

AXES = ("depth", "height", "width")
_FLIPS = {"depth": "depth", "height": "vertical", "width": "horizontal"}


def draw_matrices(augmentation: Augmentation, draws: Draws, dimensions: int) -> np.ndarray:
    """Draw matrices from output to input: flip, stretch and scale the axes, then turn, then shift.

    Returns:
        `(batch, dimensions, dimensions + 1)`; the last column is the shift as a fraction of the size.
    """
    axes = AXES[-dimensions:]
    shift = np.stack([draws.uniform(f"shift_{axis}", augmentation.shift) for axis in axes], axis=-1)
    linear = _draw_turns(augmentation, draws, dimensions) * _draw_factors(augmentation, draws, axes)[:, None]
    return np.concatenate([linear, shift[..., None]], axis=2)


def _draw_factors(augmentation: Augmentation, draws: Draws, axes: tuple[str, ...]) -> np.ndarray:
    """Draw a factor for every axis, `(batch, dimensions)`; the width is what the others are stretched against."""
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
