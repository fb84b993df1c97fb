"""What every row of the table of encoders keeps, read off its graph; a new row needs no new test."""

import math
import re

import keras
import pytest
from keras import layers

from medzoo.models.encoders import ENCODERS

# Trainable parameters without a classifier, for 3 channels. Where the width of its last feature is given, the number is
# that of the published network with a classifier of 1000 classes: torchvision's documentation, timm's for resnet200 and
# b0 to b3. VGG: Keras's. Nobody has published resnet10, residual and plain, whose numbers only must not drift.
PARAMETERS_2D = {
    "resnet10": 4_905_792,
    "resnet18": 11_689_512 - (512 + 1) * 1000,
    "resnet34": 21_797_672 - (512 + 1) * 1000,
    "resnet50": 25_557_032 - (2048 + 1) * 1000,
    "resnet101": 44_549_160 - (2048 + 1) * 1000,
    "resnet152": 60_192_808 - (2048 + 1) * 1000,
    "resnet200": 64_673_832 - (2048 + 1) * 1000,
    "resnext50": 25_028_904 - (2048 + 1) * 1000,
    "vgg16": 14_714_688,
    "vgg19": 20_024_384,
    "efficientnetv2b0": 7_139_704 - (1280 + 1) * 1000,
    "efficientnetv2b1": 8_141_052 - (1280 + 1) * 1000,
    "efficientnetv2b2": 10_096_086 - (1408 + 1) * 1000,
    "efficientnetv2b3": 14_358_406 - (1536 + 1) * 1000,
    "efficientnetv2s": 21_458_488 - (1280 + 1) * 1000,
    "efficientnetv2m": 54_139_356 - (1280 + 1) * 1000,
    "efficientnetv2l": 118_515_272 - (1280 + 1) * 1000,
    "mobilenetv2": 3_504_872 - (1280 + 1) * 1000,
    "residual": 1_195_824,
    "plain": 388_896,
}
# For 1 channel; the ResNets are those of MONAI 1.6.1 with `feed_forward=False, bias_downsample=False` and shortcut A at
# depths 18 and 34, B at the others, which are MedicalNet's.
PARAMETERS_3D = {
    "resnet10": 14_355_520,
    "resnet18": 32_986_176,
    "resnet34": 63_295_808,
    "resnet50": 46_155_072,
    "resnet101": 85_201_216,
    "resnet152": 117_359_936,
    "resnet200": 126_559_552,
    "resnext50": 25_821_760,
    "residual": 3_477_936,
    "plain": 1_163_040,
}
PARAMETERS = {2: PARAMETERS_2D, 3: PARAMETERS_3D}


@pytest.fixture(scope="module", autouse=True)
def kernels_of_zeros():
    """Nothing is computed here, and the largest encoders take seconds to draw."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.initializers.VarianceScaling, "__call__", keras.initializers.Zeros.__call__)
        yield


def sizes_at(encoder, sizes):
    shapes = encoder.compute_output_shape((1, *sizes, encoder.input_shape[-1]))
    return {name: shape[1:-1] for name, shape in shapes.items()}


def test_every_stride_is_twice_the_one_before(strides):
    assert strides == [strides[0] * 2**level for level in range(len(strides))]
    assert strides[0] in (1, 2)


def test_size_that_does_not_divide_is_rounded_up(encoder, strides, row):
    sizes = (33, 50, 47)[: row[1]]
    expected = {f"stride_{stride}": tuple(-(-size // stride) for size in sizes) for stride in strides}
    assert sizes_at(encoder, sizes) == expected


def test_size_below_the_total_stride_is_refused_with_one_that_builds(encoder, strides, row):
    name, dimensions = row
    stride = strides[-1]
    shape = (*[2 * stride] * (dimensions - 1), stride - 1, 1)
    fixed = (*[2 * stride] * (dimensions - 1), stride, 1)
    message = f"at least {stride} in every dimension.*got {re.escape(str(shape))}.*to {re.escape(str(fixed))}"
    with pytest.raises(ValueError, match=message):
        ENCODERS[name].build(shape, **ENCODERS[name].arguments)
    assert all(min(sizes) >= 1 for sizes in sizes_at(encoder, fixed[:-1]).values())


@pytest.mark.parametrize(
    ("name", "rank"),
    [(name, rank) for name, row in ENCODERS.items() for rank in range(1, 6) if rank - 1 not in row.dimensions],
)
def test_input_of_another_rank_is_refused(name, rank):
    with pytest.raises(ValueError, match=r"`input_shape` must be \(height, width, channels\).* Received: "):
        ENCODERS[name].build((64,) * rank, **ENCODERS[name].arguments)


@pytest.mark.parametrize("name", ENCODERS)
def test_unknown_number_of_channels_is_refused(name):
    with pytest.raises(ValueError, match=r"Received: \(64, 64, None\)"):
        ENCODERS[name].build((64, 64, None), **ENCODERS[name].arguments)


def test_every_layer_is_named_after_its_stage(encoder):
    names = [layer.name for layer in encoder.layers]
    assert names[0] == "image"
    assert [name for name in names[1:] if not re.match(r"(stem|stage_[1-9]|stride_\d+)_[a-zA-Z1-9]", name)] == []


def test_encoder_is_functional_and_of_stock_layers_only(encoder):
    assert type(encoder) is type(keras.Model(encoder.input, encoder.output))
    assert all(getattr(layers, type(layer).__name__, None) is type(layer) for layer in encoder.layers)


def test_number_of_parameters_is_the_published_one(encoder, row):
    name, dimensions = row
    assert sum(math.prod(weight.shape) for weight in encoder.trainable_weights) == PARAMETERS[dimensions][name]
