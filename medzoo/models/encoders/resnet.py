"""ResNet and ResNeXt, 2D and 3D, in the forms whose weights are published.

2D is torchvision's form. 3D is MedicalNet's: dilation instead of stride in the last two stages, and for depths 18 and
34 a shortcut without weights.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import KerasTensor, layers

from medzoo.errors import unknown_name
from medzoo.models.blocks import check_input_shape, spatial


class _Depth(NamedTuple):
    blocks: tuple[int, int, int, int]
    bottleneck: bool
    medicalnet_shortcut: str


DEPTHS = {
    10: _Depth((1, 1, 1, 1), False, "B"),
    18: _Depth((2, 2, 2, 2), False, "A"),
    34: _Depth((3, 4, 6, 3), False, "A"),
    50: _Depth((3, 4, 6, 3), True, "B"),
    101: _Depth((3, 4, 23, 3), True, "B"),
    152: _Depth((3, 8, 36, 3), True, "B"),
    200: _Depth((3, 24, 36, 3), True, "B"),
}
SHORTCUTS = ("A", "B")
_EXPANSION = 4


def resnet_encoder(
    input_shape: tuple[int | None, ...],
    depth: int = 18,
    groups: int = 1,
    width_per_group: int = 64,
    dilated: bool | None = None,
    shortcut: str | None = None,
) -> keras.Model:
    """Build a ResNet without its classifier.

    The stride lies in the convolution of kernel size 3, convolutions have no bias, and strided ones are padded on both
    sides alike, so that weights trained with torch fit.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)`; sizes may be None.
        depth: Number of layers: 10, 18, 34, 50, 101, 152 or 200.
        groups: Groups of the middle convolution of a bottleneck; 32 makes it a ResNeXt.
        width_per_group: Channels of a group in the first stage.
        dilated: Whether stages 3 and 4 keep stride 8 and are dilated by 2 and 4; None for yes in 3D, no in 2D.
        shortcut: Where the shape changes, `"A"` strides and appends zero channels, `"B"` convolves with kernel size 1.
            None takes what the published weights have.

    Returns:
        Model whose output is a dict of features, `"stride_2"` of the stem with 64 channels, `"stride_4"` of stage 1 and
        so on, each `(batch, [depth,] height, width, channels)` divided by its stride and rounded up.

    Raises:
        ValueError: The shape has another rank or is smaller than the total stride, or depth or shortcut are unknown.

    Example:
        >>> resnet_encoder((64, 64, 1), depth=18).output["stride_32"].shape
        (None, 2, 2, 512)

    Source: He et al., 2016 (arXiv 1512.03385); Xie et al., ResNeXt, 2017 (arXiv 1611.05431);
    Chen et al., Med3D, 2019 (arXiv 1904.00625).
    """
    if depth not in DEPTHS:
        raise unknown_name("depth of a ResNet", depth, map(str, DEPTHS))
    volumetric = len(input_shape) == 4
    dilated = volumetric if dilated is None else dilated
    shortcut = shortcut or (DEPTHS[depth].medicalnet_shortcut if volumetric else "B")
    if shortcut not in SHORTCUTS:
        raise unknown_name("shortcut", shortcut, SHORTCUTS)
    check_input_shape(input_shape, stride=8 if dilated else 32)

    inputs = keras.Input(input_shape, name="image")
    x = _conv_bn_relu(inputs, 64, 7, "stem", strides=2)
    features = {"stride_2": x}
    x = spatial("ZeroPadding", x)(1, name="stem_pool_pad")(x)
    x = spatial("MaxPooling", x)(3, strides=2, name="stem_pool")(x)
    stride = 4
    for stage, count in enumerate(DEPTHS[depth].blocks, start=1):
        strides, dilation = _stride_and_dilation(stage, dilated)
        stride *= strides
        width = int(64 * 2 ** (stage - 1) * width_per_group / 64) * groups
        for block in range(1, count + 1):
            # Only the first block of a stage changes the shape.
            step = strides if block == 1 else 1
            name = f"stage_{stage}_block_{block}"
            if DEPTHS[depth].bottleneck:
                x = _bottleneck(x, width, 64 * 2 ** (stage - 1) * _EXPANSION, name, step, dilation, groups, shortcut)
            else:
                x = _basic(x, width, name, step, dilation, shortcut)
        features[f"stride_{stride}"] = x
    return keras.Model(inputs, features, name=f"resnet{depth}" if groups == 1 else f"resnext{depth}")


def _stride_and_dilation(stage: int, dilated: bool) -> tuple[int, int]:
    if dilated and stage > 2:
        return 1, 2 ** (stage - 2)
    return (1 if stage == 1 else 2), 1


def _basic(x: KerasTensor, filters: int, name: str, strides: int, dilation: int, shortcut: str) -> KerasTensor:
    y = _conv_bn_relu(x, filters, 3, f"{name}_1", strides=strides, dilation=dilation)
    y = _conv_bn(y, filters, 3, f"{name}_2", dilation=dilation)
    return _add(_shortcut(x, filters, f"{name}_shortcut", strides, shortcut), y, name)


def _bottleneck(
    x: KerasTensor, width: int, filters: int, name: str, strides: int, dilation: int, groups: int, shortcut: str
) -> KerasTensor:
    y = _conv_bn_relu(x, width, 1, f"{name}_1")
    y = _conv_bn_relu(y, width, 3, f"{name}_2", strides=strides, dilation=dilation, groups=groups)
    y = _conv_bn(y, filters, 1, f"{name}_3")
    return _add(_shortcut(x, filters, f"{name}_shortcut", strides, shortcut), y, name)


def _add(shortcut: KerasTensor, y: KerasTensor, name: str) -> KerasTensor:
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([shortcut, y]))


def _shortcut(x: KerasTensor, filters: int, name: str, strides: int, shortcut: str) -> KerasTensor:
    missing = filters - x.shape[-1]
    if strides == 1 and not missing:
        return x
    if shortcut == "B":
        return _conv_bn(x, filters, 1, name, strides=strides)
    if strides > 1:
        # A pooling over one value keeps it; torch has no average pooling of bfloat16 volumes on a CPU.
        x = spatial("MaxPooling", x)(1, strides=strides, name=f"{name}_stride")(x)
    # With channels declared first, zero padding takes the last axis, the channels, for a spatial one.
    padding = [(0, 0)] * (len(x.shape) - 3) + [(0, missing)]
    return spatial("ZeroPadding", x)(padding, data_format="channels_first", name=f"{name}_channels")(x)


def _conv_bn_relu(x: KerasTensor, filters: int, kernel_size: int, name: str, **settings: int) -> KerasTensor:
    return layers.ReLU(name=f"{name}_relu")(_conv_bn(x, filters, kernel_size, name, **settings))


def _conv_bn(
    x: KerasTensor, filters: int, kernel_size: int, name: str, strides: int = 1, dilation: int = 1, groups: int = 1
) -> KerasTensor:
    if strides > 1 and kernel_size > 1:
        # "same" would pad a strided convolution on one side more than on the other.
        x = spatial("ZeroPadding", x)(kernel_size // 2, name=f"{name}_pad")(x)
    x = spatial("Conv", x)(
        filters,
        kernel_size,
        strides=strides,
        padding="valid" if strides > 1 else "same",
        dilation_rate=dilation,
        groups=groups,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
