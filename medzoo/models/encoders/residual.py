"""A small residual encoder for training from scratch."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from medzoo.models.blocks import conv_block, residual_block


def residual_encoder(
    input_shape: tuple[int, int, int],
    filters: Sequence[int] = (16, 24, 48, 96, 160, 192),
    dropout: float = 0.0,
) -> keras.Model:
    """Build an encoder of one convolution at full size and a residual block at every further stride.

    Most of its parameters and little of its time lie at the small strides, which suits training on a CPU.

    Args:
        input_shape: Shape (height, width, channels) of the input.
        filters: Channels of the features at strides 1, 2, 4, ...
        dropout: Fraction of feature maps dropped in training at the two largest strides.

    Returns:
        Model whose output is a dict: `"stride_1"` of shape `(batch, height, width, filters[0])`, `"stride_2"` of shape
        `(batch, height / 2, width / 2, filters[1])`, and so on.
    """
    inputs = keras.Input(input_shape, name="image")
    x = conv_block(inputs, filters[0], "stride_1")
    features = {"stride_1": x}
    for level, width in enumerate(filters[1:], start=1):
        name = f"stride_{2**level}"
        x = layers.MaxPooling2D(name=f"{name}_pool")(x)
        x = residual_block(x, width, name)
        if dropout and level >= len(filters) - 2:
            x = layers.SpatialDropout2D(dropout, name=f"{name}_dropout")(x)
        features[name] = x
    return keras.Model(inputs, features, name="residual_encoder")
