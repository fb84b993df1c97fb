"""Blocks that several networks are made of: tensors in, tensors out, stock Keras layers, 2D or 3D as the tensor is."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers


def spatial(kind: str, x: KerasTensor) -> type[keras.Layer]:
    """Return the stock layer class of a kind for the rank of `x`: `spatial("Conv", x)` is Conv2D or Conv3D."""
    return getattr(layers, f"{kind}{len(x.shape) - 2}D")


def conv_block(x: KerasTensor, filters: int, name: str, activation: bool = True) -> KerasTensor:
    """Convolve with kernel size 3 without bias, normalise over the batch and rectify.

    Args:
        x: Features `(batch, [depth,] height, width, channels)`.
        filters: Number of output channels.
        name: Prefix of the layer names.
        activation: Whether to rectify.
    """
    x = spatial("Conv", x)(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activation else x


def double_conv_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Apply two `conv_block` one after the other, the unit of the original UNet."""
    return conv_block(conv_block(x, filters, f"{name}_1"), filters, f"{name}_2")


def residual_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Add two convolutions of kernel size 3 to a shortcut, which is projected where the number of channels changes.

    Source: He et al., Deep Residual Learning for Image Recognition, 2016 (arXiv 1512.03385).
    """
    y = conv_block(x, filters, f"{name}_1")
    y = conv_block(y, filters, f"{name}_2", activation=False)
    if x.shape[-1] != filters:
        x = spatial("Conv", x)(filters, 1, use_bias=False, name=f"{name}_shortcut")(x)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))


def preactivation(x: KerasTensor, name: str) -> KerasTensor:
    """Normalise over the batch and rectify, in front of a convolution."""
    return layers.ReLU(name=f"{name}_relu")(layers.BatchNormalization(name=f"{name}_bn")(x))


def squeeze_excite_block(x: KerasTensor, name: str, ratio: int = 8) -> KerasTensor:
    """Scale every channel by a number between 0 and 1 that is computed from the means of all channels.

    Args:
        x: Features `(batch, [depth,] height, width, channels)`.
        name: Prefix of the layer names.
        ratio: How many times fewer channels lie between the two small layers.

    Source: Hu et al., Squeeze-and-Excitation Networks, 2018 (arXiv 1709.01507).
    """
    channels = x.shape[-1]
    settings = {"use_bias": False, "kernel_initializer": "he_normal"}
    y = spatial("GlobalAveragePooling", x)(keepdims=True, name=f"{name}_squeeze")(x)
    y = layers.Dense(max(channels // ratio, 1), activation="relu", name=f"{name}_excite_1", **settings)(y)
    y = layers.Dense(channels, activation="sigmoid", name=f"{name}_excite_2", **settings)(y)
    return layers.Multiply(name=f"{name}_scale")([x, y])


def attention_gate(x: KerasTensor, skip: KerasTensor, name: str) -> KerasTensor:
    """Weight the features of a decoder by what they and the finer features of the encoder have in common.

    Args:
        x: Features `(batch, [depth,] height, width, channels)` of the decoder.
        skip: Features `(batch, [2 depth,] 2 height, 2 width, other channels)` of the encoder.
        name: Prefix of the layer names.

    Returns:
        Features of the shape of `x`.

    Source: Jha et al., ResUNet++, 2019 (arXiv 1911.07067), as in the authors' code, where no sigmoid ends the gate.
    """
    channels = x.shape[-1]
    conv = spatial("Conv", x)
    guide = preactivation(skip, f"{name}_guide")
    guide = conv(channels, 3, padding="same", use_bias=False, name=f"{name}_guide_conv")(guide)
    guide = spatial("MaxPooling", x)(name=f"{name}_guide_pool")(guide)
    gate = preactivation(x, f"{name}_input")
    gate = conv(channels, 3, padding="same", use_bias=False, name=f"{name}_input_conv")(gate)
    gate = preactivation(layers.Add(name=f"{name}_add")([guide, gate]), name)
    gate = conv(channels, 3, padding="same", name=f"{name}_conv")(gate)
    return layers.Multiply(name=f"{name}_scale")([gate, x])


def aspp_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Add convolutions of several dilations, so that every position sees its surroundings at several scales.

    Images take the published dilations 6, 12 and 18; volumes, whose sides are about a third as long, 2, 4 and 6.

    Args:
        x: Features `(batch, [depth,] height, width, channels)`.
        filters: Number of output channels.
        name: Prefix of the layer names.

    Source: Chen et al., DeepLab, 2017 (arXiv 1606.00915); summed as by Jha et al., 2019 (arXiv 1911.07067).
    """
    conv = spatial("Conv", x)
    branches = []
    for rate in (1, 6, 12, 18) if len(x.shape) == 4 else (1, 2, 4, 6):
        branch = f"{name}_rate_{rate}"
        y = conv(filters, 3, padding="same", dilation_rate=rate, use_bias=False, name=f"{branch}_conv")(x)
        branches.append(layers.BatchNormalization(name=f"{branch}_bn")(y))
    return conv(filters, 1, name=f"{name}_conv")(layers.Add(name=f"{name}_add")(branches))
