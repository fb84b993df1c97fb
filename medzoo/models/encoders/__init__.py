"""Encoders: an image in, its features out as a dict named by stride, `{"stride_2": ..., "stride_32": ...}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from medzoo.errors import unknown_name
from medzoo.models.encoders.backbones import application_encoder, foreign_encoder, mobilenetv2_encoder
from medzoo.models.encoders.plain import plain_encoder, residual_encoder
from medzoo.models.encoders.resnet import DEPTHS, resnet_encoder
from medzoo.models.fast import accelerate
from medzoo.weights import load_weights

RESNET = "He et al. 2016, arXiv 1512.03385; 3D: Chen et al. 2019, arXiv 1904.00625"
VGG = "Simonyan and Zisserman 2015, arXiv 1409.1556"
EFFICIENTNET = "Tan and Le 2021, arXiv 2104.00298"


@dataclass(frozen=True)
class Encoder:
    """A row of the table of encoders.

    Args:
        build: Function from an input shape and arguments to the encoder.
        source: Paper.
        arguments: What this row gives to `build`; a user's own arguments come on top.
        dimensions: Numbers of spatial dimensions that it can have.
    """

    build: Callable[..., keras.Model]
    source: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    dimensions: tuple[int, ...] = (2, 3)


ENCODERS = {
    "residual": Encoder(residual_encoder, RESNET),
    "plain": Encoder(plain_encoder, VGG),
    **{f"resnet{depth}": Encoder(resnet_encoder, RESNET, {"depth": depth}) for depth in DEPTHS},
    "resnext50": Encoder(
        resnet_encoder,
        "Xie et al. 2017, arXiv 1611.05431",
        {"depth": 50, "groups": 32, "width_per_group": 4},
    ),
    **{
        name: Encoder(application_encoder, source, {"name": name}, dimensions=(2,))
        for name, source in (
            ("vgg16", VGG),
            ("vgg19", VGG),
            *((f"efficientnetv2{size}", EFFICIENTNET) for size in ("b0", "b1", "b2", "b3", "s", "m", "l")),
        )
    },
    "mobilenetv2": Encoder(mobilenetv2_encoder, "Sandler et al. 2018, arXiv 1801.04381", dimensions=(2,)),
}


def build_encoder(
    encoder: str | Mapping[str, Any] | keras.Model,
    input_shape: tuple[int | None, ...],
    weights: str | None = None,
) -> keras.Model:
    """Build an encoder.

    Args:
        encoder: A name, `"resnet18"`; a name and arguments, `{"name": "resnet10", "dilated": False}`; or a backbone of
            another Keras library that has `pyramid_outputs`.
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)`; sizes may be None.
        weights: `"imagenet"`, `"medicalnet"`, path of a checkpoint or of a zoo entry as `medzoo.weights.load_weights`
            takes it, or None for random ones.

    Returns:
        Model whose output is a dict of features by stride, each `(batch, [depth,] height, width, channels)`.

    Raises:
        ValueError: The encoder is unknown, refuses its arguments or shape, or the weights are not its own.

    Example:
        >>> build_encoder("resnet18", (64, 64, 1)).output["stride_4"].shape
        (None, 16, 16, 64)
    """
    if isinstance(encoder, keras.Model):
        if weights is not None:
            raise ValueError(f"A foreign encoder keeps its own weights: weights must be None. Received: {weights!r}.")
        return accelerate(foreign_encoder(encoder, input_shape))
    arguments = {"name": encoder} if isinstance(encoder, str) else dict(encoder)
    name = arguments.pop("name", None)
    if name not in ENCODERS:
        raise unknown_name("encoder", name, ENCODERS, "List them with: medzoo.models.list()")
    row = ENCODERS[name]
    model = row.build(input_shape, **{**row.arguments, **arguments})
    if weights is not None:
        load_weights(model, name, weights)
    return accelerate(model)
