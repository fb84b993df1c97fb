"""The calls of a network, in order, run again and rebuilt."""

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.graph.calls import graph_of, rebuild

IMAGE = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)


def flat():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(image)
    x = layers.Add(name="add")([x, layers.ReLU(name="relu")(x)])
    return keras.Model(image, layers.Dense(1, "sigmoid", name="dense")(layers.Flatten(name="flatten")(x)), name="flat")


def nested():
    image = keras.Input((8, 8, 1))
    inner = keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(2.0, name="double"), flat()], name="inner")
    return keras.Model(image, layers.Dense(2, name="head")(inner(image)), name="outer")


def twins():
    """Two members with the same names of layers."""
    image = keras.Input((8, 8, 1))
    members = [
        keras.Model(member.input, member.output, name=name) for name, member in {"a": flat(), "b": flat()}.items()
    ]
    return keras.Model(image, layers.Average(name="mean")([member(image) for member in members]))


def open_size():
    image = keras.Input((None, None, 1))
    return keras.Model(image, layers.MaxPooling2D(name="pool")(image))


networks = pytest.mark.parametrize("make", [flat, nested, twins])


def names(graph):
    return [call.layer.name for call in graph.calls]


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def test_calls_are_listed_in_an_order_in_which_they_can_run():
    graph = graph_of(flat())
    assert names(graph) == ["conv", "relu", "add", "flatten", "dense"]
    assert graph.calls[0].shape == (None, 8, 8, 3)


def test_calls_of_a_model_in_the_model_stand_in_its_place():
    graph = graph_of(nested())
    assert names(graph) == ["double", "conv", "relu", "add", "flatten", "dense", "head"]


def test_last_call_of_a_model_in_the_model_has_its_name():
    assert {call.layer.name: call.ends for call in graph_of(nested()).calls if call.ends} == {
        "dense": ("flat", "inner")
    }


@networks
def test_graph_runs_as_the_network_does(make):
    model = make()
    np.testing.assert_allclose(numbers(graph_of(model).run(IMAGE)), numbers(model(IMAGE)), rtol=1e-6)


def test_sizes_that_the_network_leaves_open_are_known_for_an_input_of_a_known_size():
    assert graph_of(open_size()).calls[0].shape == (None, None, None, 1)
    assert graph_of(open_size(), (6, 4, 1)).calls[0].shape == (None, 3, 2, 1)


def test_listing_leaves_the_network_as_it_was():
    model = nested()
    before = model.get_config()
    graph_of(model)
    assert model.get_config() == before


@networks
def test_rebuilt_network_gives_the_same(make):
    model = make()
    copy = rebuild(model)
    np.testing.assert_allclose(numbers(copy(IMAGE)), numbers(model(IMAGE)), rtol=1e-6)
    assert not {id(weight) for weight in copy.weights} & {id(weight) for weight in model.weights}


def test_rebuilt_layers_have_their_own_settings_and_new_weights():
    model = nested()
    head = model.get_layer("head")
    copy = rebuild(model, lambda layer: {"units": 3} if layer is head else {}, keep=lambda layer: layer is not head)
    assert copy.output_shape == (None, 3)
    inner = [network.get_layer("inner").get_weights()[0] for network in (copy, model)]
    np.testing.assert_array_equal(*inner)
