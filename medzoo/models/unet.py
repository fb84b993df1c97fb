"""UNet over any encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, layers

from medzoo.errors import unknown_name
from medzoo.models.blocks import conv_block, double_conv_block
from medzoo.models.encoders import ENCODERS


def unet(
    input_shape: tuple[int, int, int],
    outputs: int = 1,
    activation: str = "sigmoid",
    encoder: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Build a UNet: an encoder, and a decoder that joins its features from the coarsest to the finest.

    Args:
        input_shape: Shape (height, width, channels) of the input; height and width divisible by the encoder's stride.
        outputs: Number of output channels.
        activation: Activation of the output layer.
        encoder: Name of an encoder and its arguments, `{"name": "residual", "filters": [16, 32, 64]}`.

    Returns:
        Model from `(batch, height, width, channels)` to `(batch, height, width, outputs)` in float32.

    Raises:
        ValueError: The encoder is unknown, or the size is not divisible by its largest stride.

    Example:
        >>> unet((64, 64, 1)).output_shape
        (None, 64, 64, 1)

    Source: Ronneberger et al., U-Net, MICCAI 2015 (arXiv 1505.04597).
    """
    arguments = dict(encoder or {"name": "residual"})
    name = arguments.pop("name", None)
    if name not in ENCODERS:
        raise unknown_name("encoder", name, ENCODERS)
    backbone = ENCODERS[name](input_shape, **arguments)
    features = backbone.output
    strides = sorted(int(key.removeprefix("stride_")) for key in features)
    _check_divisible(input_shape, strides[-1])

    x = features[f"stride_{strides[-1]}"]
    for stride in reversed(strides[:-1]):
        x = _join(x, features[f"stride_{stride}"], stride)
    x = layers.Conv2D(outputs, 1, activation=activation, dtype="float32", name="probabilities")(x)
    return keras.Model(backbone.input, x, name="unet")


def _join(x: KerasTensor, skip: KerasTensor, stride: int) -> KerasTensor:
    name = f"decoder_{stride}"
    x = layers.UpSampling2D(name=f"{name}_up")(x)
    x = layers.Concatenate(name=f"{name}_skip")([x, skip])
    # At full size one convolution is enough: it takes as long as all coarser ones together.
    block = conv_block if stride == 1 else double_conv_block
    return block(x, skip.shape[-1], name)


def _check_divisible(input_shape: tuple[int, int, int], stride: int) -> None:
    height, width, channels = input_shape
    if height % stride or width % stride:
        fixed = (*(-(-side // stride) * stride for side in (height, width)), channels)
        raise ValueError(
            f"`input_shape` must be divisible by {stride}; got {tuple(input_shape)}. "
            f"Pad to {fixed} or set Preprocessing(size={fixed[:2]})."
        )
