"""Blocks that several networks are made of: tensors in, tensors out, stock Keras layers."""

from __future__ import annotations

from keras import KerasTensor, layers


def conv_block(x: KerasTensor, filters: int, name: str, activation: bool = True) -> KerasTensor:
    """Convolve 3x3 without bias, normalise over the batch and rectify.

    Args:
        x: Features `(batch, height, width, channels)`.
        filters: Number of output channels.
        name: Prefix of the layer names.
        activation: Whether to rectify.
    """
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if activation else x


def double_conv_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Apply two `conv_block` one after the other, the unit of the original UNet."""
    return conv_block(conv_block(x, filters, f"{name}_1"), filters, f"{name}_2")


def residual_block(x: KerasTensor, filters: int, name: str) -> KerasTensor:
    """Add two 3x3 convolutions to a shortcut, which is projected where the number of channels changes.

    Source: He et al., Deep Residual Learning for Image Recognition, 2016 (arXiv 1512.03385).
    """
    y = conv_block(x, filters, f"{name}_1")
    y = conv_block(y, filters, f"{name}_2", activation=False)
    if x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_shortcut")(x)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, y]))
