"""Small encoders for training from scratch: a plain and a residual one."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from medzoo.models.blocks import check_input_shape, conv_block, residual_block, spatial


def plain_encoder(
    input_shape: tuple[int | None, ...],
    filters: Sequence[int] = (32, 64, 128, 256),
    normalization: bool = True,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a small CNN: a stage is a convolution of kernel size 3, normalisation, ReLU and max pooling by 2.

    As in a VGG, the features are those in front of each pooling, so that a UNet has some at full size, and the pooled
    ones of the last stage, for a classifier.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)`; sizes may be None.
        filters: Channels of each stage.
        normalization: Whether to normalise over the batch; without it the convolutions have a bias.
        dropout: Fraction of feature maps dropped in training after each pooling.

    Returns:
        Model whose output is a dict: `"stride_1"` of shape `(batch, [depth,] height, width, filters[0])`, `"stride_2"`
        with `filters[1]` and so on, each divided by its stride and rounded up, and the pooled last one.

    Raises:
        ValueError: The shape has another rank or is smaller than the total stride.

    Example:
        >>> plain_encoder((64, 64, 1)).output["stride_16"].shape
        (None, 4, 4, 256)

    Source: Simonyan and Zisserman, VGG, 2015 (arXiv 1409.1556), with one convolution a stage.
    """
    check_input_shape(input_shape, stride=2 ** len(filters))
    x = inputs = keras.Input(input_shape, name="image")
    features = {}
    for level, width in enumerate(filters):
        name = f"stage_{level + 1}"
        x = spatial("Conv", x)(width, 3, padding="same", use_bias=not normalization, name=f"{name}_conv")(x)
        if normalization:
            x = layers.BatchNormalization(name=f"{name}_bn")(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
        features[f"stride_{2**level}"] = x
        x = spatial("MaxPooling", x)(padding="same", name=f"{name}_pool")(x)
        if dropout:
            x = spatial("SpatialDropout", x)(dropout, name=f"{name}_dropout")(x)
    features[f"stride_{2 ** len(filters)}"] = x
    return keras.Model(inputs, features, name="plain_encoder")


def residual_encoder(
    input_shape: tuple[int | None, ...],
    filters: Sequence[int] = (16, 24, 48, 96, 160, 192),
    dropout: float = 0.0,
) -> keras.Model:
    """Build an encoder of one convolution at full size and a residual block at every further stride.

    Most of its parameters and little of its time lie at the small strides, which suits training on a CPU.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)`; sizes may be None.
        filters: Channels of the features at strides 1, 2, 4, ...
        dropout: Fraction of feature maps dropped in training at the two largest strides.

    Returns:
        Model whose output is a dict: `"stride_1"` of shape `(batch, [depth,] height, width, filters[0])`, `"stride_2"`
        with `filters[1]` and so on, each divided by its stride and rounded up.

    Raises:
        ValueError: The shape has another rank or is smaller than the total stride.

    Example:
        >>> residual_encoder((64, 64, 1)).output["stride_32"].shape
        (None, 2, 2, 192)

    Source: He et al., 2016 (arXiv 1512.03385), with blocks of one width a stride.
    """
    check_input_shape(input_shape, stride=2 ** (len(filters) - 1))
    inputs = keras.Input(input_shape, name="image")
    x = conv_block(inputs, filters[0], "stride_1")
    features = {"stride_1": x}
    for level, width in enumerate(filters[1:], start=1):
        name = f"stride_{2**level}"
        x = spatial("MaxPooling", x)(padding="same", name=f"{name}_pool")(x)
        x = residual_block(x, width, name)
        if dropout and level >= len(filters) - 2:
            x = spatial("SpatialDropout", x)(dropout, name=f"{name}_dropout")(x)
        features[name] = x
    return keras.Model(inputs, features, name="residual_encoder")
