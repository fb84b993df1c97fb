"""Changes of intensity, all in one pass over the pixels."""

from __future__ import annotations

import tensorflow as tf

from medzoo.data.augment.compiled import compiled
from medzoo.data.augment.fields import smooth_field
from medzoo.data.augment.noise import gaussian


def value_range(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the least and the greatest value of each channel of each image, at least [0, 1], broadcastable to them.

    The background of an image in [0, 1] is 0 then, that of a standardised one its minimum.
    """
    pixels = list(range(1, images.shape.rank - 1))
    least, greatest = (reduce(images, pixels, keepdims=True) for reduce in (tf.reduce_min, tf.reduce_max))
    return tf.minimum(least, 0.0), tf.maximum(greatest, 1.0)


@compiled
def change_intensity(
    images: tf.Tensor,
    least: tf.Tensor,
    greatest: tf.Tensor,
    bias_field: tf.Tensor | None,
    gamma: tf.Tensor | None,
    contrast: tf.Tensor | None,
    brightness: tf.Tensor | None,
    noise: tf.Tensor | None,
    noise_keys: tf.Tensor | None,
) -> tf.Tensor:
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
        noise_keys: Two random numbers, uint32.
    """
    over_images = (-1, *[1] * (images.shape.rank - 1))
    if bias_field is not None:
        field = smooth_field(bias_field, tf.unstack(tf.shape(images)[1:-1]))
        images = least + (images - least) * tf.exp(field)[..., None]
    if gamma is not None:
        fraction = tf.maximum(images - least, 0.0) / (greatest - least)
        # The logarithm of 0 is minus infinity and its exponential 0 again; `pow` itself is three times as slow.
        images = least + (greatest - least) * tf.exp(tf.math.log(fraction) * tf.reshape(gamma, over_images))
    if contrast is not None:
        images *= tf.reshape(contrast, over_images)
    if brightness is not None:
        images += tf.reshape(brightness, over_images)
    return images if noise is None else images + tf.reshape(noise, over_images) * gaussian(tf.shape(images), noise_keys)
