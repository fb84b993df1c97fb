"""Changes of intensity, all in one pass over the pixels."""

from __future__ import annotations

from typing import Any

from medzoo.data.augment.backend import ops_of
from medzoo.data.augment.compiled import compiled
from medzoo.data.augment.fields import smooth_field
from medzoo.data.augment.noise import gaussian


def value_range(images: Any) -> tuple[Any, Any]:
    """Return the least and the greatest value of each channel of each image, at least [0, 1], broadcastable to them.

    The background of an image in [0, 1] is 0 then, that of a standardised one its minimum.
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
