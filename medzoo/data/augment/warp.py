"""Images and masks at other places of their own grid: one interpolation for all spatial changes together."""

from __future__ import annotations

import itertools

import tensorflow as tf

from medzoo.data.augment.compiled import compiled
from medzoo.data.augment.fields import smooth_field


@compiled
def warp(
    images: tf.Tensor, fill: tf.Tensor, masks: tf.Tensor | None, matrices: tf.Tensor, controls: tf.Tensor | None
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Move the pixels of images, and of their masks along with them.

    Args:
        images: `(batch, [depth,] height, width, channels)` float32, interpolated linearly.
        fill: What lies beyond the border of an image, broadcastable to the images; beyond that of a mask lies 0.
        masks: `(batch, [depth,] height, width, 1)` label indices, taken from the nearest pixel; or None.
        matrices: `(batch, dimensions, dimensions + 1)`, from output to input about the centre; the shift in the last
            column is a fraction of the size.
        controls: Displacements as fractions of the size at control points, `(batch, dimensions, n, ...)`; or None.

    Returns:
        Images and masks of the same shapes and types.
    """
    size = tf.unstack(tf.shape(images)[1:-1])
    places = _places(matrices, size)
    if controls is not None:
        fields = (smooth_field(field, size) for field in tf.unstack(controls, axis=1))
        lengths = (tf.cast(length, tf.float32) for length in size)
        places = [place + field * length for place, field, length in zip(places, fields, lengths, strict=True)]
    return _linear(images, places, fill), None if masks is None else _nearest(masks, places)


def _places(matrices: tf.Tensor, size: list[tf.Tensor]) -> list[tf.Tensor]:
    """Return for every axis where each output pixel lies in the input, `(batch, *size)` in pixels."""
    dimensions = len(size)
    lengths = [tf.cast(length, tf.float32) for length in size]
    columns = tf.reshape(matrices, (-1, dimensions, dimensions + 1, *[1] * dimensions))
    steps = [_along(tf.range(length) - (length - 1) / 2, axis, dimensions) for axis, length in enumerate(lengths)]
    places = []
    for axis, length in enumerate(lengths):
        turned = sum(columns[:, axis, other] * step for other, step in enumerate(steps))
        places.append(turned + (length - 1) / 2 + columns[:, axis, dimensions] * length)
    return places


def _along(values: tf.Tensor, axis: int, dimensions: int) -> tf.Tensor:
    return tf.reshape(values, [-1 if other == axis else 1 for other in range(dimensions)])


def _linear(images: tf.Tensor, places: list[tf.Tensor], fill: tf.Tensor) -> tf.Tensor:
    lower = [tf.floor(place) for place in places]
    upper_weights = [place - low for place, low in zip(places, lower, strict=True)]
    blend = 0.0
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight = 1.0
        for step, upper in zip(corner, upper_weights, strict=True):
            weight *= upper if step else 1 - upper
        blend += weight[..., None] * _pick(images, [low + step for low, step in zip(lower, corner, strict=True)], fill)
    return tf.ensure_shape(blend, images.shape)


def _nearest(masks: tf.Tensor, places: list[tf.Tensor]) -> tf.Tensor:
    picked = _pick(masks, [tf.floor(place + 0.5) for place in places], tf.zeros((), masks.dtype))
    return tf.ensure_shape(picked, masks.shape)


def _pick(images: tf.Tensor, places: list[tf.Tensor], fill: tf.Tensor) -> tf.Tensor:
    """Return the pixels at whole places, `fill` where these lie outside."""
    shape = tf.unstack(tf.shape(images))
    index, inside = tf.reshape(tf.range(shape[0]), (-1, *[1] * len(places))), True
    for place, length in zip(places, shape[1:-1], strict=True):
        last = tf.cast(length - 1, tf.float32)
        inside &= (place >= 0) & (place <= last)
        index = index * length + tf.cast(tf.clip_by_value(place, 0.0, last), tf.int32)
    pixels = tf.gather(tf.reshape(images, (-1, shape[-1])), index)
    return tf.where(inside[..., None], pixels, fill)
