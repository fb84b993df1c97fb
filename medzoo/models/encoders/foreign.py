"""Backbones of other Keras libraries as encoders."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
from keras import KerasTensor

from medzoo.models.encoders.stages import name_stages


def foreign_encoder(backbone: keras.Model, input_shape: tuple[int | None, ...]) -> keras.Model:
    """Copy a backbone of keras_hub, medicai or any other Keras library, with its weights, as an encoder.

    The strides are read off the shapes, since the libraries number their pyramids differently. The copy has layers of
    the library's own where the backbone has them: such a network is loaded only where that library is imported.

    Args:
        backbone: Functional model of one image that has `pyramid_outputs`, a dict of tensors `"P1"`, `"P2"`, ...
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)`. Sizes that are None in the
            backbone may be given.

    Returns:
        Model whose output is a dict of features by stride, each `(batch, [depth,] height, width, channels)`.

    Raises:
        ValueError: The backbone has no `pyramid_outputs` or tokens in them, or was built for another shape.

    Example:
        >>> image = keras.Input((64, 64, 3))
        >>> backbone = keras.Model(image, keras.layers.Conv2D(8, 3, strides=2, padding="same")(image))
        >>> backbone.pyramid_outputs = {"P1": backbone.output}
        >>> foreign_encoder(backbone, (64, 64, 3)).output["stride_2"].shape
        (None, 32, 32, 8)
    """
    pyramid = getattr(backbone, "pyramid_outputs", None)
    if not isinstance(pyramid, Mapping) or not pyramid or len(backbone.inputs) != 1:
        raise ValueError(
            "A foreign encoder must be a functional keras.Model of one image with `pyramid_outputs`, a dict of tensors "
            f"like {{'P1': ..., 'P2': ...}}. Received: {type(backbone).__name__} with pyramid_outputs={pyramid!r}."
        )
    image, shape = backbone.inputs[0], tuple(input_shape)
    _check_shape(backbone.name, image.shape[1:], shape)
    for tensor in pyramid.values():
        if len(tensor.shape) != len(image.shape):
            raise ValueError(
                f"The `pyramid_outputs` of a foreign encoder must have the rank {len(image.shape)} of its image. "
                f"Received: {tensor.shape} from {backbone.name!r}, whose features are no maps."
            )
    encoder = keras.Model(image, _by_stride(image, pyramid), name=backbone.name)
    copy = name_stages(encoder, shape)
    copy.set_weights(encoder.get_weights())
    return copy


def _check_shape(name: str, built: tuple[int | None, ...], shape: tuple[int | None, ...]) -> None:
    if len(shape) != len(built) or any(side not in (None, given) for side, given in zip(built, shape, strict=True)):
        raise ValueError(
            f"`input_shape` must be {built}, which the backbone {name!r} was built for. Received: {shape}. "
            f"Build the backbone for {shape}, or set input_shape={built}."
        )


def _by_stride(image: KerasTensor, pyramid: Mapping[str, KerasTensor]) -> dict[str, KerasTensor]:
    # A size of 512 stands for one that is unknown.
    whole = (1, *(side or 512 for side in image.shape[1:]))
    axis = max(range(1, len(whole) - 1), key=lambda axis: whole[axis])
    shapes = keras.Model(image, dict(pyramid)).compute_output_shape(whole)
    size, stride, features = whole[axis], 1, {}
    for name in sorted(pyramid, key=lambda name: -shapes[name][axis]):
        # From one feature to the next, since rounding an odd size adds up over many.
        stride *= 2 ** round(math.log2(size / shapes[name][axis]))
        size = shapes[name][axis]
        features[f"stride_{stride}"] = pyramid[name]
    return features
