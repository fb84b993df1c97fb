"""Builders by name, and what is special to one of them."""

from pathlib import Path

import keras
import pytest

from medzoo.models import BUILDERS, build
from medzoo.models.encoders import ENCODERS
from medzoo.models.unet import unet
from medzoo.recipe import Recipe

CARD = Path(__file__).resolve().parents[2] / "zoo_cards" / "brain-tumor-unet" / "recipe.json"
SMALL = {"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}}


def test_build_passes_the_arguments_on():
    network = build(SMALL, (16, 16, 3), outputs=4, activation="softmax")
    assert network.input_shape == (None, 16, 16, 3)
    assert network.output_shape == (None, 16, 16, 4)
    assert network.get_layer("probabilities").activation is keras.activations.softmax
    assert network.get_layer("stride_2_1_conv").filters == 8


def test_build_does_not_change_the_recipe():
    builder = {"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}}
    build(builder, (16, 16, 1), 1, "sigmoid")
    assert builder == SMALL


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        ({"name": "u-net"}, "Unknown builder 'u-net'. Did you mean 'unet'"),
        ({"name": "unet", "encoder": {"name": "resdual"}}, "Unknown encoder 'resdual'. Did you mean 'residual'"),
        ({"name": "unet", "depth": 3}, "builder 'unet' does not take these arguments: .*'depth'"),
        ({"name": "unet", "encoder": {"name": "residual", "width": 3}}, "builder 'unet' does not take .*'width'"),
    ],
)
def test_what_is_unknown_is_named(builder, message):
    with pytest.raises(ValueError, match=message):
        build(builder, (16, 16, 1), 1, "sigmoid")


def test_tables_name_functions_after_themselves():
    assert all(function.__name__ == name for name, function in BUILDERS.items())
    assert all(function.__name__ == f"{name}_encoder" for name, function in ENCODERS.items())


def test_brain_tumor_network_has_three_million_parameters_at_most():
    recipe = Recipe.load(CARD)
    network = build(recipe.builder, recipe.preprocessing.input_shape, recipe.task.outputs, recipe.task.activation)
    assert network.count_params() <= 3_000_000


def test_unet_says_how_to_pad():
    message = (
        r"`input_shape` must be divisible by 4; got \(30, 33, 2\)\. "
        r"Pad to \(32, 36, 2\) or set Preprocessing\(size=\(32, 36\)\)\."
    )
    with pytest.raises(ValueError, match=message):
        unet((30, 33, 2), encoder={"name": "residual", "filters": (4, 6, 8)})


def test_unet_of_one_stride_keeps_the_size():
    assert unet((7, 5, 1), encoder={"name": "residual", "filters": [4]}).output_shape == (None, 7, 5, 1)


def test_dropout_leaves_the_fine_features_alone():
    encoder = ENCODERS["residual"]((32, 32, 1), filters=(4, 4, 4, 4), dropout=0.5)
    assert [layer.name for layer in encoder.layers if "dropout" in layer.name] == [
        "stride_4_dropout",
        "stride_8_dropout",
    ]


def test_no_dropout_adds_no_layer():
    encoder = ENCODERS["residual"]((32, 32, 1), filters=(4, 4, 4))
    assert not [layer.name for layer in encoder.layers if "dropout" in layer.name]
