"""Encoders that `keras.applications` has: VGG, EfficientNetV2 and MobileNetV2."""

from __future__ import annotations

import keras
from keras import applications, layers

from medzoo.errors import unknown_name
from medzoo.models.encoders.stages import name_stages
from medzoo.models.input_shape import check_input_shape

# A feature is the output of the last layer whose name begins so.
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

# Odd sizes are rounded up, also where the size is unknown when the network is built: MobileNetV2 pads as the size of
# its input asks, which is what "same" does at run time, and VGG drops the last row. Even sizes give the same numbers.
_ROUND_UP = {layers.MaxPooling2D: {"padding": "same"}, layers.DepthwiseConv2D: {"padding": "same"}}


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
    if name not in _APPLICATIONS:
        raise unknown_name("encoder of keras.applications", name, _APPLICATIONS)
    build, prefixes = _APPLICATIONS[name]
    check_input_shape(input_shape, stride=max(prefixes), dimensions=(2,))
    # Given a tensor and not a shape, Keras neither warns about the number of channels nor asks for more than it needs.
    image = keras.Input(input_shape)
    plain = {"include_preprocessing": False} if prefixes is _EFFICIENTNET else {}
    network = build(include_top=False, weights=None, input_tensor=image, **plain)
    features = {f"stride_{stride}": _last(network, prefix) for stride, prefix in prefixes.items()}
    encoder = keras.Model(image, features, name=name)
    return name_stages(encoder, input_shape, _ROUND_UP, without=(layers.ZeroPadding2D,))


def _last(network: keras.Model, prefix: str) -> keras.KerasTensor:
    return [layer.output for layer in network.layers if layer.name.startswith(prefix)][-1]
