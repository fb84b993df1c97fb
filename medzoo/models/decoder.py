"""What decoders share: the way from the deepest feature of an encoder up to full size, in steps of two."""

from __future__ import annotations

import keras
from keras import KerasTensor, layers

from medzoo.models.blocks import spatial


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
