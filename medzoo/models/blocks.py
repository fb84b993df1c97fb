"""Blocks that several networks are made of: tensors in, tensors out, stock Keras layers, 2D or 3D as the tensor is."""

from __future__ import annotations

from collections.abc import Sequence

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


def features_by_stride(encoder: keras.Model) -> dict[int, KerasTensor]:
    """Return the features of an encoder by their stride as a number, rising."""
    features = {int(name.removeprefix("stride_")): feature for name, feature in encoder.output.items()}
    return dict(sorted(features.items()))


def strides_up(stride: int) -> list[int]:
    """Return the strides on the way from a feature to full size.

    Example:
        >>> strides_up(8)
        [4, 2, 1]
    """
    return [stride >> step for step in range(1, stride.bit_length())]


def upsample_block(x: KerasTensor, skip: KerasTensor | None, name: str) -> KerasTensor:
    """Double the size of features by repetition and append those of the encoder, where it has any of that size.

    Args:
        x: Features `(batch, [depth,] height, width, channels)`.
        skip: Features `(batch, [2 depth,] 2 height, 2 width, other channels)`, or None.
        name: Prefix of the layer names.
    """
    x = spatial("UpSampling", x)(name=f"{name}_up")(x)
    return x if skip is None else layers.Concatenate(name=f"{name}_skip")([x, skip])


AXES = {2: "(height, width, channels)", 3: "(depth, height, width, channels)"}


def check_input_shape(input_shape: Sequence[int | None], stride: int, dimensions: Sequence[int] = (2, 3)) -> None:
    """Refuse a shape of the wrong rank, or one smaller than the total stride of a network.

    Args:
        input_shape: Shape of the input without the batch; sizes may be None.
        stride: Largest stride of the features.
        dimensions: Numbers of spatial dimensions that the network can have.

    Raises:
        ValueError: The shape does not fit; the message holds one that does.
    """
    shape = tuple(input_shape)
    if len(shape) - 1 not in dimensions or not shape[-1]:
        expected = " or ".join(AXES[number] for number in dimensions)
        raise ValueError(f"`input_shape` must be {expected}. Received: {shape}.")
    if any(side is not None and side < stride for side in shape[:-1]):
        fixed = (*(side and max(side, stride) for side in shape[:-1]), shape[-1])
        raise ValueError(
            f"`input_shape` must be at least {stride} in every dimension, the total stride of the encoder; "
            f"got {shape}. Pad or resize to {fixed}."
        )


def check_divisible(input_shape: Sequence[int | None], stride: int) -> None:
    """Refuse a shape that the total stride of an encoder does not divide, since a decoder could not return to it.

    Raises:
        ValueError: A size is not divisible; the message holds the next shape that is.
    """
    shape = tuple(input_shape)
    if any(side is not None and side % stride for side in shape[:-1]):
        fixed = (*(side and -(-side // stride) * stride for side in shape[:-1]), shape[-1])
        raise ValueError(
            f"`input_shape` must be divisible by {stride}; got {shape}. "
            f"Pad to {fixed} or set Preprocessing(size={fixed[:-1]})."
        )
