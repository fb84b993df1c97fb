"""Builders by name."""

from pathlib import Path

import keras
import pytest

from medzoo.models import BUILDERS, build
from medzoo.models import builders as table
from medzoo.recipe import Recipe

CARD = Path(__file__).resolve().parents[2] / "zoo_cards" / "brain-tumor-unet" / "recipe.json"
SMALL = {"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}}


def test_build_passes_the_arguments_on():
    network = build(SMALL, (16, 16, 3), outputs=4, activation="softmax")
    assert network.input_shape == (None, 16, 16, 3)
    assert network.output_shape == (None, 16, 16, 4)
    assert network.get_layer("probabilities").activation is keras.activations.softmax
    assert network.get_layer("stride_2_1_conv").filters == 8


def test_build_passes_the_weights_on(monkeypatch):
    passed = {}
    monkeypatch.setitem(table.BUILDERS, "unet", table.Row(lambda *_, **arguments: passed.update(arguments), ""))
    build({"name": "unet"}, (16, 16, 3), 1, "sigmoid", weights="imagenet")
    assert passed["weights"] == "imagenet"


def test_weights_among_the_arguments_are_sent_to_the_recipe():
    message = "'unet' must not hold weights.* Received: 'imagenet'. Set the recipe's own field"
    with pytest.raises(ValueError, match=message):
        build({**SMALL, "weights": "imagenet"}, (16, 16, 3), 1, "sigmoid")


def test_build_does_not_change_the_recipe():
    builder = {"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}}
    build(builder, (16, 16, 1), 1, "sigmoid")
    assert builder == SMALL


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        ({"name": "u-net"}, "Unknown builder 'u-net'. Did you mean 'unet'"),
        ({"name": "unet", "encoder": {"name": "resdual"}}, "Unknown encoder 'resdual'. Did you mean 'residual'"),
        ({"name": "unet", "depth": 3}, "field of the builder 'unet' 'depth'"),
        ({"name": "unet", "encoder": {"name": "residual", "width": 3}}, "field of the encoder 'residual' 'width'"),
        ({"name": "regressor", "depth": 3}, "field of the builder 'regressor' 'depth'"),
    ],
)
def test_what_is_unknown_is_named(builder, message):
    with pytest.raises(ValueError, match=message):
        build(builder, (16, 16, 1), 1, "sigmoid")


def test_table_names_functions_after_themselves():
    assert all(row.build.__name__ == name for name, row in BUILDERS.items())


def test_brain_tumor_network_has_three_million_parameters_at_most():
    recipe = Recipe.load(CARD)
    network = build(recipe.builder, recipe.preprocessing.input_shape, recipe.task.outputs, recipe.task.activation)
    assert network.count_params() <= 3_000_000
