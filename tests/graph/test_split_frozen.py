"""Cutting a network where its frozen stages end."""

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.graph.cut import split_frozen
from medzoo.graph.freezing import freeze, stages
from medzoo.graph.walk import stage_of
from medzoo.models.classifier import classifier
from medzoo.models.unet import unet
from tests.models.encoders.test_foreign import Backbone

SMALL = {"name": "residual", "filters": [4, 8]}


def classifier_of(shape, **arguments):
    return classifier(shape, encoder={**SMALL}, **arguments)


def nested(shape=(8, 8, 1)):
    """A network that has an encoder as a layer, in a model that is a layer itself."""
    image = keras.Input(shape)
    inner = keras.Sequential([keras.Input(shape), layers.Rescaling(2.0), classifier_of(shape, outputs=0)])
    return keras.Model(image, layers.Dense(3)(layers.Dropout(0.5)(inner(image))), name="outer")


NETWORKS = {
    "classifier": lambda: classifier_of((8, 8, 1), hidden=(4,), dropout=0.5),
    "classifier of volumes": lambda: classifier_of((8, 8, 8, 1)),
    "UNet": lambda: unet((8, 8, 1), encoder=SMALL),
    "foreign encoder": lambda: classifier((16, 16, 3), encoder=Backbone((16, 16, 3))),
    "nested encoder": nested,
}


def images_of(model):
    return np.random.default_rng(0).random((2, *model.input_shape[1:]), np.float32)


def same(one, other):
    one, other = map(keras.ops.convert_to_numpy, (one, other))
    return np.ptp(other) > 0 and np.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("until", [0, None], ids=["stem", "whole encoder"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_parts_one_after_the_other_are_the_network(name, until):
    model = NETWORKS[name]()
    frozen = stages(model)[:1] if until == 0 else stages(model)
    encoder, head = split_frozen(model, frozen)
    images = images_of(model)
    assert same(head(encoder(images)), model(images))
    assert {stage_of(layer) for layer in encoder.layers if layer.weights} == set(frozen)
    assert not {stage_of(layer) for layer in head.layers if layer.weights} & set(frozen)


def test_pooling_behind_the_encoder_is_in_the_encoder():
    model = classifier_of((8, 8, 1), dropout=0.5)
    encoder, head = split_frozen(model, stages(model))
    assert encoder.output_shape == (None, 8)
    assert [type(layer) for layer in head.layers] == [layers.InputLayer, layers.Dropout, layers.Dense]


def test_upsampled_features_are_not_kept():
    model = unet((8, 8, 1), encoder=SMALL)
    encoder, _ = split_frozen(model, stages(model))
    assert sorted(shape[1] for shape in encoder.output_shape) == [4, 8]


def test_padding_in_front_of_a_frozen_stage_is_in_the_encoder():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, name="stem_conv")(layers.ZeroPadding2D(1)(image))
    encoder, _ = split_frozen(keras.Model(image, layers.Dense(1)(layers.Flatten()(x))), ["stem"])
    assert encoder.output_shape == (None, 8 * 8 * 2)


def test_an_image_that_the_head_sees_too_passes_through_the_encoder():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(2, 3, padding="same", name="stem_conv")(image)
    model = keras.Model(image, layers.Conv2D(1, 1)(layers.Concatenate()([x, layers.Conv2D(2, 1)(image)])))
    encoder, head = split_frozen(model, ["stem"])
    images = images_of(model)
    assert len(encoder.output_shape) == 2
    assert same(head(encoder(images)), model(images))


def test_a_layer_on_both_sides_of_the_cut_works_on_both():
    image, relu = keras.Input((4,)), layers.ReLU()
    x = relu(layers.Dense(3, name="stem_dense")(image))
    model = keras.Model(image, relu(layers.Dense(2)(x)))
    encoder, head = split_frozen(model, ["stem"])
    images = images_of(model) - 0.5
    assert same(head(encoder(images)), model(images))


@pytest.mark.parametrize("frozen", [[], ["stage_1"]], ids=["nothing frozen", "behind what is trained"])
def test_without_fixed_layers_at_the_input_there_is_no_cut(frozen):
    image = keras.Input((4,))
    x = layers.Dense(2, name="stage_1_dense")(layers.Dense(3, name="stem_dense")(image))
    assert split_frozen(keras.Model(image, layers.Dense(1)(x)), frozen) is None


def test_a_network_of_which_nothing_is_trained_is_not_cut():
    model = classifier_of((8, 8, 1), outputs=0)
    assert split_frozen(model, stages(model)) is None


def test_the_network_is_as_it_was():
    model = classifier_of((8, 8, 1))
    before = model.get_config()
    split_frozen(model, stages(model))
    assert model.get_config() == before


def test_training_the_head_trains_the_network_and_leaves_the_encoder():
    model = classifier_of((8, 8, 1))
    freeze(model)
    encoder, head = split_frozen(model, stages(model))
    before = numbers_of(model)
    head.compile("sgd", "mse")
    head.train_on_batch(encoder(images_of(model)), np.array([[5.0], [5.0]], np.float32))
    changed = {path for path, values in numbers_of(model).items() if not np.array_equal(values, before[path])}
    assert changed == {"predictions/kernel", "predictions/bias"}


def numbers_of(model):
    return {weight.path: keras.ops.convert_to_numpy(weight).copy() for weight in model.weights}
