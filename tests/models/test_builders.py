"""Builders by name, the table of what can be built, and the page that is generated from it."""

from pathlib import Path

import keras
import pytest
from keras import layers

import medzoo
from medzoo.graph.walk import multiply_adds, parameters
from medzoo.models import BUILDERS, build
from medzoo.models import builders as table
from medzoo.models.builders import REFERENCE_SHAPES, count_one
from medzoo.models.encoders import ENCODERS
from medzoo.recipe import Recipe
from medzoo.weights import available
from tools.architectures import PAGE, page

CARD = Path(__file__).resolve().parents[2] / "zoo_cards" / "brain-tumor-unet" / "recipe.json"
SMALL = {"name": "unet", "encoder": {"name": "residual", "filters": [4, 8]}}
# torchvision's tables: parameters in all and GFLOPs, of which its classifier of 1000 classes has some.
TORCHVISION = {"resnet18": (11_689_512, 1.81, 512), "resnet50": (25_557_032, 4.09, 2048)}
AGAIN = "Count again: python -m tools.architectures"


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


def test_brain_tumor_network_has_ten_million_parameters_at_most():
    recipe = Recipe.load(CARD)
    network = build(recipe.builder, recipe.preprocessing.input_shape, recipe.task.outputs, recipe.task.activation)
    assert network.count_params() <= 10_000_000


def test_table_has_a_row_for_everything_that_can_be_built():
    rows = {(row.name, row.dimensions) for row in medzoo.models.list()}
    encoders = {(name, dimensions) for name, row in ENCODERS.items() for dimensions in row.dimensions}
    assert rows == encoders | {(name, dimensions) for name in BUILDERS for dimensions in REFERENCE_SHAPES}, AGAIN


def test_weights_and_sources_in_the_table_are_current():
    for row in medzoo.models.list():
        table = ENCODERS if row.kind == "encoder" else BUILDERS
        assert row.source == table[row.name].source, AGAIN
        if row.kind == "encoder":
            assert row.weights == available(row.name, row.dimensions), AGAIN


@pytest.mark.parametrize(("name", "dimensions"), [("residual", 2), ("plain", 3), ("resnet10", 3), ("unet", 2)])
def test_counts_in_the_table_are_current(name, dimensions):
    row = next(row for row in medzoo.models.list(dimensions) if row.name == name)
    assert count_one(name, dimensions) == row, AGAIN


@pytest.mark.parametrize("name", TORCHVISION)
def test_counts_are_those_of_torchvision(name):
    row = next(row for row in medzoo.models.list(2) if row.name == name)
    total, gflops, width = TORCHVISION[name]
    assert row.parameters == total - (width + 1) * 1000
    assert row.gflops == pytest.approx(gflops, abs=0.015)


def test_cost_counts_groups_nested_models_and_no_statistics():
    inputs = keras.Input((4, 4, 8))
    inner = keras.Sequential([keras.Input((4, 4, 8)), layers.Conv2D(8, 3, padding="same", groups=4, use_bias=False)])
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.BatchNormalization()(inner(inputs)))))
    assert multiply_adds(model) == 16 * 9 * 2 * 8 + 128 * 2
    assert parameters(model) == 9 * 2 * 8 + 2 * 8 + 128 * 2 + 2


def test_cost_of_an_unknown_size_is_refused():
    with pytest.raises(ValueError, match="known size"):
        multiply_adds(keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 3)]))


def test_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), AGAIN
