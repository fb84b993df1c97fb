"""Networks that others wrote as encoders: those of `keras.applications`, and backbones of other Keras libraries."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, applications, layers

from medzoo.errors import unknown_name
from medzoo.graph.calls import rebuild
from medzoo.models.blocks import check_input_shape


def name_stages(
    encoder: keras.Model,
    input_shape: tuple[int | None, ...],
    settings: Mapping[type[keras.Layer], Mapping[str, Any]] | None = None,
    without: tuple[type[keras.Layer], ...] = (),
    symmetric: bool = False,
) -> keras.Model:
    """Copy an encoder and put the stage of every layer in front of its name.

    A stage is what leads to one feature and not yet to the one before: `stem`, `stage_1`, `stage_2` and so on. A layer
    that got its name from Keras is numbered within its stage, since Keras counts on from one network to the next.

    Args:
        encoder: Functional model of one input whose output is a dict of features by stride, `{"stride_2": ...}`.
        input_shape: Shape of the input of the copy.
        settings: Arguments by class that the copy's layers have instead of their own.
        without: Classes of layers that the copy leaves out; they have no weights and one input.
        symmetric: Whether strided convolutions are padded on both sides alike, as torch does, where Keras pads an even
            size on one side only.

    Returns:
        Model of the same features and with new weights, in the order of the encoder's own.
    """
    names = _staged_names(encoder)

    def changed(layer: keras.Operation) -> dict[str, Any]:
        valid = {"padding": "valid"} if symmetric and _is_strided(layer) else {}
        return {**(settings or {}).get(type(layer), {}), **valid, "name": names[layer]}

    def call(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, without):
            return args[0]
        if symmetric and _is_strided(layer):
            pad = layers.ZeroPadding2D(layer.kernel_size[0] // 2, name=f"{layer.name}_pad")
            return layer(pad(args[0]), **kwargs)
        return layer(*args, **kwargs)

    image = keras.Input(input_shape, name="image")
    return rebuild(encoder, changed, image, keep=lambda layer: False, call=call)


def _is_strided(layer: keras.Operation) -> bool:
    return isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D) and max(layer.strides) > 1


def _staged_names(encoder: keras.Model) -> dict[keras.Operation, str]:
    names: dict[keras.Operation, str] = {}
    # Sorted by number: on torch Keras sorts the dict by letters.
    strides = sorted(int(name.removeprefix("stride_")) for name in encoder.output)
    for number, stride in enumerate(strides):
        stage = f"stage_{number}" if number else "stem"
        count: Counter[str] = Counter()
        for layer in keras.Model(encoder.input, encoder.output[f"stride_{stride}"]).operations:
            if layer in names:
                continue
            name = layer.name
            base = re.sub(r"_\d+$", "", name)
            if base.replace("_", "") == type(layer).__name__.lower():
                count[base] += 1
                name = f"{base}_{count[base]}"
            names[layer] = f"{stage}_{name}"
    return names


# By stride the beginning of layer names: the feature is the output of the last such layer.
_VGG = {**{2 ** (block - 1): f"block{block}_conv" for block in range(1, 6)}, 32: "block5_pool"}
_EFFICIENTNET = {2: "block1", 4: "block2", 8: "block3", 16: "block5", 32: "top_activation"}
_MOBILENET = {2: "expanded_conv_", 4: "block_2_", 8: "block_5_", 16: "block_12_", 32: "out_relu"}

_APPLICATIONS = {
    "vgg16": (applications.VGG16, _VGG),
    "vgg19": (applications.VGG19, _VGG),
    "efficientnetv2b0": (applications.EfficientNetV2B0, _EFFICIENTNET),
    "efficientnetv2b1": (applications.EfficientNetV2B1, _EFFICIENTNET),
    "efficientnetv2b2": (applications.EfficientNetV2B2, _EFFICIENTNET),
    "efficientnetv2b3": (applications.EfficientNetV2B3, _EFFICIENTNET),
    "efficientnetv2s": (applications.EfficientNetV2S, _EFFICIENTNET),
    "efficientnetv2m": (applications.EfficientNetV2M, _EFFICIENTNET),
    "efficientnetv2l": (applications.EfficientNetV2L, _EFFICIENTNET),
    "mobilenetv2": (applications.MobileNetV2, _MOBILENET),
}

# Odd sizes are rounded up, also where the size is unknown when the network is built: "same" pads at run time, where
# Keras's MobileNetV2 pads by the size it was built for, and keeps the last row that its VGG drops. Even sizes give the
# same numbers as in Keras.
_ROUND_UP = {layers.MaxPooling2D: {"padding": "same"}, layers.DepthwiseConv2D: {"padding": "same"}}

FORMS = ("keras", "torch")
# What a BatchNormalization of torch has; Keras's MobileNetV2 has 0.001 and 0.999.
_TORCH_NORM = {layers.BatchNormalization: {"epsilon": 1e-5, "momentum": 0.9}}


def application_encoder(input_shape: tuple[int | None, ...], name: str) -> keras.Model:
    """Build a network of `keras.applications` without its classifier and without its preprocessing.

    The features are those before each pooling of a VGG, with the pooled last block as the coarsest, and the outputs of
    the last block at each stride of the others, with the last convolution (1280 channels, 1408 and 1536 in B2 and B3)
    as the coarsest. A layer is called as in `keras.applications` with its stage in front: `stage_1_block2_conv1`.

    Args:
        input_shape: Shape `(height, width, channels)`, any number of channels; sizes may be None.
        name: `"vgg16"`, `"efficientnetv2s"`, `"mobilenetv2"` ...

    Returns:
        Model whose output is a dict of features, `"stride_2"` (`"stride_1"` of a VGG) to `"stride_32"`, each
        `(batch, height, width, channels)` divided by its stride and rounded up.

    Raises:
        ValueError: The name is unknown, or the shape has another rank or is smaller than 32.

    Example:
        >>> application_encoder((64, 64, 1), "mobilenetv2").output["stride_32"].shape
        (None, 2, 2, 1280)

    Source: Simonyan and Zisserman, VGG, 2015 (arXiv 1409.1556); Tan and Le, EfficientNetV2, 2021 (arXiv 2104.00298);
    Sandler et al., MobileNetV2, 2018 (arXiv 1801.04381).
    """
    return name_stages(_application(input_shape, name), input_shape, _ROUND_UP, without=(layers.ZeroPadding2D,))


def mobilenetv2_encoder(input_shape: tuple[int | None, ...], form: str = "keras") -> keras.Model:
    """Build MobileNetV2 as `application_encoder` does, in the form of the weights that it is to have.

    Args:
        input_shape: Shape `(height, width, channels)`, any number of channels; sizes may be None.
        form: `"keras"` is what `weights="imagenet"` and Keras's files were trained in; `"torch"` what torchvision's
            weights were: strided convolutions are padded on both sides alike, and normalisation adds 1e-5 to variances.

    Returns:
        Model whose output is a dict of features, `"stride_2"` to `"stride_32"` of 16, 24, 32, 96 and 1280 channels.

    Raises:
        ValueError: The form is unknown, or the shape has another rank or is smaller than 32.

    Example:
        >>> mobilenetv2_encoder((64, 64, 1), form="torch").output["stride_4"].shape
        (None, 16, 16, 24)

    Source: Sandler et al., MobileNetV2, 2018 (arXiv 1801.04381).
    """
    if form not in FORMS:
        raise unknown_name("form of mobilenetv2", form, FORMS)
    if form == "keras":
        return application_encoder(input_shape, "mobilenetv2")
    encoder = _application(input_shape, "mobilenetv2")
    return name_stages(encoder, input_shape, _TORCH_NORM, without=(layers.ZeroPadding2D,), symmetric=True)


def _application(input_shape: tuple[int | None, ...], name: str) -> keras.Model:
    if name not in _APPLICATIONS:
        raise unknown_name("encoder of keras.applications", name, _APPLICATIONS)
    build, prefixes = _APPLICATIONS[name]
    check_input_shape(input_shape, stride=max(prefixes), dimensions=(2,))
    # For a tensor, unlike for a shape, Keras neither warns of the number of channels nor asks for a larger size.
    image = keras.Input(input_shape)
    plain = {"include_preprocessing": False} if prefixes is _EFFICIENTNET else {}
    network = build(include_top=False, weights=None, input_tensor=image, **plain)
    features = {f"stride_{stride}": _last(network, prefix) for stride, prefix in prefixes.items()}
    return keras.Model(image, features, name=name)


def _last(network: keras.Model, prefix: str) -> keras.KerasTensor:
    return [layer.output for layer in network.layers if layer.name.startswith(prefix)][-1]


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
    if len(shape) != len(built) or any(own not in (None, side) for own, side in zip(built, shape, strict=True)):
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
        # Step by step, since the rounding of odd sizes adds up over several features.
        stride *= 2 ** round(math.log2(size / shapes[name][axis]))
        size = shapes[name][axis]
        features[f"stride_{stride}"] = pyramid[name]
    return features
