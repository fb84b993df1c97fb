"""UNet over any encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor

from medzoo.models.blocks import (
    check_divisible,
    conv_block,
    double_conv_block,
    features_by_stride,
    spatial,
    strides_up,
    upsample_block,
)
from medzoo.models.encoders import build_encoder
from medzoo.models.fast import accelerate


def unet(
    input_shape: tuple[int | None, ...],
    outputs: int = 1,
    activation: str = "sigmoid",
    encoder: str | Mapping[str, Any] | keras.Model = "residual",
    weights: str | None = None,
    filters: Sequence[int] | None = None,
) -> keras.Model:
    """Build a UNet: an encoder, and a decoder that joins its features from the coarsest to the finest.

    An encoder without features at full size gets a decoder that goes on to full size without them.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input; sizes are
            divisible by the encoder's largest stride, or None.
        outputs: Number of output channels.
        activation: Activation of the output layer.
        encoder: Name of an encoder, its name and arguments `{"name": "residual", "filters": [16, 32, 64]}`, or a
            backbone of another Keras library.
        weights: Weights of the encoder, as `build_encoder` takes them.
        filters: Channels of the decoder from the coarsest to the finest stride. None for those of the encoder's
            features, and over encoders that begin at a stride at most 16 per stride: 256, 128, 64, 32, 16.

    Returns:
        Model from `(batch, [depth,] height, width, channels)` to `(batch, [depth,] height, width, outputs)` in float32.

    Raises:
        ValueError: The encoder is unknown, a size is not divisible by its largest stride, or `filters` has another
            length than the decoder.

    Example:
        >>> unet((64, 64, 1)).output_shape
        (None, 64, 64, 1)
        >>> unet((64, 64, 64, 1), encoder={"name": "resnet10", "dilated": False}, outputs=3).output_shape
        (None, 64, 64, 64, 3)

    Source: Ronneberger et al., U-Net, MICCAI 2015 (arXiv 1505.04597).
    """
    backbone = build_encoder(encoder, input_shape, weights)
    features = features_by_stride(backbone)
    deepest = max(features)
    check_divisible(input_shape, deepest)

    x = features[deepest]
    for stride, width in zip(strides_up(deepest), _widths(features, filters), strict=True):
        name = f"decoder_{stride}"
        # At full size one convolution is enough: it takes as long as all coarser ones together.
        block = conv_block if stride == 1 else double_conv_block
        x = block(upsample_block(x, features.get(stride), name), width, name)
    x = spatial("Conv", x)(outputs, 1, activation=activation, dtype="float32", name="probabilities")(x)
    return accelerate(keras.Model(backbone.input, x, name="unet"))


def _widths(features: Mapping[int, KerasTensor], filters: Sequence[int] | None) -> Sequence[int]:
    strides = strides_up(max(features))
    if filters is None:
        return [_width(features, stride) for stride in strides]
    if len(filters) != len(strides):
        raise ValueError(
            f"`filters` must hold {len(strides)} numbers, one for each of the decoder's strides {strides}. "
            f"Received: {list(filters)}."
        )
    return filters


def _width(features: Mapping[int, KerasTensor], stride: int) -> int:
    if stride not in features:
        return 16 * stride
    width = features[stride].shape[-1]
    # Encoders for classification are wide: their width at both ends would be most of the parameters of the network.
    return width if 1 in features else min(width, 16 * stride)
