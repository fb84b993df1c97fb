"""All spatial changes of images and masks in one interpolation."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from medzoo.data.augment.backend import compiled, ops_of
from medzoo.data.augment.intensity import smooth_field


@compiled
def warp(images: Any, fill: Any, masks: Any | None, matrices: Any, controls: Any | None) -> tuple[Any, Any | None]:
    """Move the pixels of images and of their masks.

    Args:
        images: `(batch, [depth,] height, width, channels)` float32, interpolated linearly.
        fill: Value beyond the border of an image, broadcastable to the images; beyond the border of a mask it is 0.
        masks: `(batch, [depth,] height, width, 1)` label indices, taken from the nearest pixel; or None.
        matrices: `(batch, dimensions, dimensions + 1)`, from output to input about the centre; the shift in the last
            column is a fraction of the size.
        controls: Displacements as fractions of the size at control points, `(batch, dimensions, n, ...)`; or None.

    Returns:
        Images and masks of the same shapes and types.
    """
    ops = ops_of(images)
    size = ops.shape(images)[1:-1]
    places = _places(ops, matrices, size)
    if controls is not None:
        fields = (smooth_field(controls[:, axis], size) * ops.cast(size[axis], "float32") for axis in range(len(size)))
        places = [place + field for place, field in zip(places, fields, strict=True)]
    return _linear(ops, images, places, fill), None if masks is None else _nearest(ops, masks, places)


def _places(ops: ModuleType, matrices: Any, size: Sequence[int]) -> list[Any]:
    """Return the place of each output pixel in the input, for every axis `(batch, *size)` in pixels."""
    dimensions = len(size)
    columns = ops.reshape(matrices, (-1, dimensions, dimensions + 1, *[1] * dimensions))
    lengths = [ops.cast(length, "float32") for length in size]
    centres = [(length - 1) / 2 for length in lengths]
    steps = [_steps(ops, size, axis) - centre for axis, centre in enumerate(centres)]
    places = []
    for axis, (length, centre) in enumerate(zip(lengths, centres, strict=True)):
        turned = sum(columns[:, axis, other] * step for other, step in enumerate(steps))
        places.append(turned + centre + columns[:, axis, dimensions] * length)
    return places


def _steps(ops: ModuleType, size: Sequence[int], axis: int) -> Any:
    """Return the pixels along an axis, broadcastable to `size`."""
    shape = [-1 if other == axis else 1 for other in range(len(size))]
    return ops.reshape(ops.arange(size[axis], dtype="float32"), shape)


def _linear(ops: ModuleType, images: Any, places: list[Any], fill: Any) -> Any:
    lower = [ops.floor(place) for place in places]
    upper_weights = [place - low for place, low in zip(places, lower, strict=True)]
    blend: Any = 0.0
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight: Any = 1.0
        for step, upper in zip(corner, upper_weights, strict=True):
            weight = weight * (upper if step else 1 - upper)
        pixels = _pick(ops, images, [low + step for low, step in zip(lower, corner, strict=True)], fill)
        blend = blend + weight[..., None] * pixels
    return blend


def _nearest(ops: ModuleType, masks: Any, places: list[Any]) -> Any:
    return _pick(ops, masks, [ops.floor(place + 0.5) for place in places], ops.zeros((), masks.dtype))


def _pick(ops: ModuleType, images: Any, places: list[Any], fill: Any) -> Any:
    """Return the pixels at whole-numbered places, `fill` outside of the image."""
    count, *size, channels = ops.shape(images)
    index: Any = ops.reshape(ops.arange(count), (-1, *[1] * len(places)))
    inside: Any = True
    for place, length in zip(places, size, strict=True):
        last = ops.cast(length - 1, "float32")
        inside = inside & (place >= 0) & (place <= last)
        index = index * length + ops.cast(ops.clip(place, 0.0, last), "int32")
    pixels = ops.take(ops.reshape(images, (-1, channels)), index, axis=0)
    return ops.where(inside[..., None], pixels, fill)
