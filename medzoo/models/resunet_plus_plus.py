"""ResUNet++, with its own encoder or over any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import KerasTensor, layers

from medzoo.models.blocks import (
    aspp_block,
    attention_gate,
    check_divisible,
    check_input_shape,
    features_by_stride,
    preactivation,
    spatial,
    squeeze_excite_block,
    strides_up,
    upsample_block,
)
from medzoo.models.encoders import build_encoder
from medzoo.models.fast import accelerate


def resunet_plus_plus(
    input_shape: tuple[int | None, ...],
    outputs: int = 1,
    activation: str = "sigmoid",
    encoder: str | Mapping[str, Any] | keras.Model | None = None,
    weights: str | None = None,
    filters: Sequence[int] = (16, 32, 64, 128, 256),
) -> keras.Model:
    """Build a ResUNet++: residual units with squeeze-and-excitation, attention gates in the decoder, and pyramids of
    dilated convolutions at the bottom and at the end.

    Convolutions in front of a batch normalisation, which would cancel a bias, have none; all else is as the authors
    have it.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input; sizes are
            divisible by the encoder's largest stride, or None.
        outputs: Number of output channels.
        activation: Activation of the output layer.
        encoder: Name of an encoder, its name and arguments, or a backbone of another Keras library; None for the
            published one, which begins at full size.
        weights: Weights of the encoder, as `build_encoder` takes them.
        filters: Channels: the last at the bottom, the first in front of the output, those but the last at the strides
            1, 2, 4, ... of the published encoder, those but the first at the same strides of the decoder. A decoder
            over a deeper encoder keeps the last one at the further strides.

    Returns:
        Model from `(batch, [depth,] height, width, channels)` to `(batch, [depth,] height, width, outputs)` in float32.

    Raises:
        ValueError: The encoder is unknown, a size is not divisible by its largest stride, there are less than two
            `filters`, or `weights` are given for the published encoder, of which there are none.

    Example:
        >>> resunet_plus_plus((64, 64, 3)).output_shape
        (None, 64, 64, 1)

    Source: Jha et al., ResUNet++, 2019 (arXiv 1911.07067); https://github.com/DebeshJha/ResUNetPlusPlus
    """
    if len(filters) < 2:
        raise ValueError(f"`filters` must hold two numbers or more. Received: {list(filters)}.")
    if encoder is None and weights is not None:
        raise ValueError(
            f"There are no weights for the encoder of ResUNet++ itself. Received: weights={weights!r}. "
            'Name an encoder that has some, encoder="resnet50", or leave the weights out.'
        )
    backbone = _encoder(input_shape, filters[:-1]) if encoder is None else build_encoder(encoder, input_shape, weights)
    features = features_by_stride(backbone)
    deepest = max(features)
    check_divisible(input_shape, deepest)

    x = aspp_block(features[deepest], filters[-1], f"decoder_{deepest}")
    for stride in strides_up(deepest):
        # The first of `filters` belongs to the output: stride 1 has the second, stride 2 the third.
        x = _join(x, features.get(stride), filters[min(stride.bit_length(), len(filters) - 1)], f"decoder_{stride}")
    x = aspp_block(x, filters[0], "head")
    x = spatial("Conv", x)(outputs, 1, activation=activation, dtype="float32", name="probabilities")(x)
    return accelerate(keras.Model(backbone.input, x, name="resunet_plus_plus"))


def _join(x: KerasTensor, skip: KerasTensor | None, filters: int, name: str) -> KerasTensor:
    if skip is not None:
        x = attention_gate(x, skip, f"{name}_gate")
    return _residual_unit(upsample_block(x, skip, name), filters, name)


def _encoder(input_shape: tuple[int | None, ...], filters: Sequence[int]) -> keras.Model:
    check_input_shape(input_shape, stride=2 ** (len(filters) - 1))
    inputs = keras.Input(input_shape, name="image")
    x = spatial("Conv", inputs)(filters[0], 3, padding="same", use_bias=False, name="stem_1_conv")(inputs)
    x = _close_unit(preactivation(x, "stem_2"), inputs, filters[0], 1, "stem")
    features = {"stride_1": x}
    for stage, width in enumerate(filters[1:], start=1):
        x = _residual_unit(x, width, f"stage_{stage}", strides=2)
        features[f"stride_{2**stage}"] = x
    return keras.Model(inputs, features, name="resunet_plus_plus_encoder")


def _residual_unit(x: KerasTensor, filters: int, name: str, strides: int = 1) -> KerasTensor:
    conv = spatial("Conv", x)
    y = preactivation(x, f"{name}_1")
    y = conv(filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}_1_conv")(y)
    return _close_unit(preactivation(y, f"{name}_2"), x, filters, strides, name)


def _close_unit(y: KerasTensor, x: KerasTensor, filters: int, strides: int, name: str) -> KerasTensor:
    """Convolve `y`, add the projected input `x` of the unit, and squeeze and excite."""
    conv = spatial("Conv", x)
    y = conv(filters, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(y)
    x = conv(filters, 1, strides=strides, use_bias=False, name=f"{name}_shortcut_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_shortcut_bn")(x)
    return squeeze_excite_block(layers.Add(name=f"{name}_add")([y, x]), name)
