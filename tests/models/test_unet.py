"""What is special to the UNet."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from medzoo.graph.walk import parameters
from medzoo.models import build
from medzoo.models.unet import unet
from medzoo.recipe import Recipe

CARD = Path(__file__).resolve().parents[2] / "zoo_cards" / "brain-tumor-box-unet"
SMALL = {"name": "residual", "filters": (4, 6, 8)}
TINY = {"name": "resnet10", "width_per_group": 4}


def decoder_widths(network):
    return [layer.filters for layer in network.layers if layer.name.startswith("decoder") and hasattr(layer, "filters")]


def test_published_entry_is_built_layer_for_layer():
    recipe = Recipe.load(CARD / "recipe.json")
    network = build(recipe.builder, recipe.preprocessing.input_shape, recipe.task.outputs, recipe.task.activation)
    published = json.loads((CARD / "config.json").read_text())["config"]["layers"]
    assert [layer.name for layer in network.layers] == [layer["config"]["name"] for layer in published]
    assert network.count_params() == 2_351_201


def test_size_that_does_not_divide_says_how_to_pad():
    message = (
        r"`input_shape` must be divisible by 4; got \(30, 33, 2\)\. "
        r"Pad to \(32, 36, 2\) or set Preprocessing\(size=\(32, 36\)\)\."
    )
    with pytest.raises(ValueError, match=message):
        unet((30, 33, 2), encoder=SMALL)


def test_encoder_of_one_stride_keeps_the_size():
    assert unet((7, 5, 1), encoder={"name": "residual", "filters": [4]}).output_shape == (None, 7, 5, 1)


def test_decoder_is_as_wide_as_an_encoder_that_begins_at_full_size():
    network = unet((16, 16, 1), encoder={"name": "residual", "filters": (40, 80, 8)})
    assert decoder_widths(network) == [80, 80, 40]


# segmentation_models.pytorch 0.5, Unet("resnet34"), has 24,436,369: at full size one convolution more (2,336) and an
# output of kernel size 3 (128). Likewise Unet("resnet50") with 32,521,105.
@pytest.mark.parametrize(("encoder", "count"), [("resnet34", 24_433_905), ("resnet50", 32_518_641)])
def test_decoder_over_an_encoder_for_classification_is_as_wide_as_the_usual_one(encoder, count):
    network = unet((64, 64, 3), encoder=encoder)
    assert decoder_widths(network)[-5:] == [64, 64, 32, 32, 16]
    assert parameters(network) == count


def test_decoder_over_dilated_volumes_ends_at_full_size_without_a_skip():
    network = unet((16, 16, 16, 1), encoder=TINY)
    skips = [layer.name for layer in network.layers if layer.name.endswith("_skip")]
    assert skips == ["decoder_4_skip", "decoder_2_skip"]
    assert network.get_layer("decoder_1_up").output.shape == (None, 16, 16, 16, 32)


def test_filters_set_the_width_of_the_decoder():
    assert decoder_widths(unet((16, 16, 1), encoder=SMALL, filters=[7, 5])) == [7, 7, 5]


def test_filters_of_another_length_are_refused():
    message = r"`filters` must hold 2 numbers, one for each of the decoder's strides \[2, 1\]\. Received: \[7\]"
    with pytest.raises(ValueError, match=message):
        unet((16, 16, 1), encoder=SMALL, filters=[7])


def test_one_network_takes_images_of_several_sizes():
    network = unet((None, None, 1), encoder=SMALL)
    for size in [(8, 12), (20, 4)]:
        assert network(np.zeros((1, *size, 1), np.float32)).shape == (1, *size, 1)


def test_backbone_of_another_library_is_the_encoder():
    image = keras.Input((16, 16, 1))
    half = keras.layers.Conv2D(3, 3, strides=2, padding="same", activation="relu", name="half")(image)
    quarter = keras.layers.Conv2D(5, 3, strides=2, padding="same", activation="relu", name="quarter")(half)
    backbone = keras.Model(image, quarter)
    backbone.pyramid_outputs = {"P1": half, "P2": quarter}
    network = unet((16, 16, 1), encoder=backbone)
    assert network.output_shape == (None, 16, 16, 1)
    assert [layer.name for layer in network.layers if layer.name.endswith("_skip")] == ["decoder_2_skip"]
