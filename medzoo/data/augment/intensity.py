"""Changes of intensity, all in one pass over the pixels: brightness, contrast, gamma, noise, bias field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from medzoo.data.augment.backend import compiled, ops_of


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
        # The first axis is summed over and its pixels become the last one; after all axes the order is the old one.
        controls = ops.tensordot(controls, _weights(ops, controls.shape[1], length), [[1], [1]])
    return controls


def _weights(ops: ModuleType, count: int, length: int) -> Any:
    """Return the weight of each of `count` control points at each of `length` pixels, `(length, count)`."""
    pixels = (ops.arange(length, dtype="float32") + 0.5) / ops.cast(length, "float32") * (count - 3)
    distance = ops.abs(pixels[:, None] - (ops.arange(count, dtype="float32") - 1))
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = ops.maximum(2 - distance, 0.0) ** 3 / 6
    return ops.where(distance < 1, near, far)


def gaussian(keys: Any, shape: Sequence[int]) -> Any:
    """Return numbers of mean 0 and standard deviation 1, each from a hash of its position.

    Args:
        keys: Two random numbers for each image, `(batch, 2)` int32; the same ones give the same noise.
        shape: Shape of an image.

    Returns:
        `(batch, *shape)`.
    """
    ops = ops_of(keys)
    positions = ops.reshape(ops.arange(math.prod(shape)), shape)
    first, second = (ops.reshape(keys[:, index], (-1, *[1] * len(shape))) for index in (0, 1))
    bits = _mix(ops, ops.bitwise_xor(_mix(ops, positions + first), second))
    # The middle of one of 2**23 parts of [-1, 1]: never an end, where `erfinv` is infinite.
    uniform = (ops.cast(_shifted(ops, bits, 9), "float32") + 0.5) * 2.0**-22 - 1
    return math.sqrt(2) * ops.erfinv(uniform)


def _mix(ops: ModuleType, bits: Any) -> Any:
    """Hash 32-bit numbers, in int32 since torch has no arithmetic of unsigned ones: products are the same bits.

    Source: the finaliser of MurmurHash3 by Austin Appleby.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = ops.bitwise_xor(bits, _shifted(ops, bits, shift)) * (factor - 2**32)
    return ops.bitwise_xor(bits, _shifted(ops, bits, 16))


def _shifted(ops: ModuleType, bits: Any, count: int) -> Any:
    """Shift to the right, and mask the copies of the sign that come in from the left."""
    return ops.bitwise_and(ops.bitwise_right_shift(bits, count), 2 ** (32 - count) - 1)


def value_range(images: Any) -> tuple[Any, Any]:
    """Return the least and the greatest value of each channel of each image, but at least the range [0, 1].

    Both can be broadcast to the images. So the background of an image in [0, 1] is 0, that of a standardised image its
    minimum.
    """
    ops, pixels = ops_of(images), tuple(range(1, len(images.shape) - 1))
    least, greatest = (reduce(images, axis=pixels, keepdims=True) for reduce in (ops.min, ops.max))
    return ops.minimum(least, 0.0), ops.maximum(greatest, 1.0)


@compiled
def change_intensity(
    images: Any,
    least: Any,
    greatest: Any,
    bias_field: Any | None,
    gamma: Any | None,
    contrast: Any | None,
    brightness: Any | None,
    noise: Any | None,
    noise_keys: Any | None,
) -> Any:
    """Apply the changes that are not None, in the order of the arguments.

    Args:
        images: `(batch, [depth,] height, width, channels)` float32.
        least: Least value of each channel, as of `value_range`; nothing in the images is below it.
        greatest: The greatest one.
        bias_field: Logarithms of factors at control points, `(batch, n, ...)`; they spread over the image.
        gamma: Exponents `(batch,)`, applied to the range of values.
        contrast: Factors `(batch,)`.
        brightness: What is added, `(batch,)`.
        noise: Standard deviations `(batch,)`.
        noise_keys: Two random numbers for each image, `(batch, 2)` int32.
    """
    ops = ops_of(images)
    over_images = (-1, *[1] * (len(images.shape) - 1))
    if bias_field is not None:
        field = smooth_field(bias_field, ops.shape(images)[1:-1])
        images = least + (images - least) * ops.exp(field)[..., None]
    if gamma is not None:
        fraction = ops.maximum(images - least, 0.0) / (greatest - least)
        # The logarithm of 0 is minus infinity and its exponential 0 again; `pow` itself is three times as slow.
        images = least + (greatest - least) * ops.exp(ops.log(fraction) * ops.reshape(gamma, over_images))
    if contrast is not None:
        images = images * ops.reshape(contrast, over_images)
    if brightness is not None:
        images = images + ops.reshape(brightness, over_images)
    if noise is not None:
        images = images + ops.reshape(noise, over_images) * gaussian(noise_keys, ops.shape(images)[1:])
    return images
