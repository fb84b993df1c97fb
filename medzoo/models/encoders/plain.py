"""A plain encoder: one convolution and one pooling a stage."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from medzoo.models.blocks import spatial
from medzoo.models.input_shape import check_input_shape


def plain_encoder(
    input_shape: tuple[int | None, ...],
    filters: Sequence[int] = (32, 64, 128, 256),
    normalization: bool = True,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a small CNN: a stage is a convolution of kernel size 3, normalisation, ReLU and max pooling by 2.

    As of a VGG, the features are those before each pooling, so that a UNet over it meets the full size again, and the
    last stage's pooled ones, which a classifier reads.

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
