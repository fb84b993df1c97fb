"""Which part of a network gives the features."""

import keras
import numpy as np
import pytest

from medzoo.graph.features import feature_network
from medzoo.models import build

ENCODER = {"name": "residual", "filters": [3, 5]}
PICTURE = np.random.default_rng(0).random((2, 16, 16, 1), np.float32)
VOLUME = np.random.default_rng(0).random((2, 8, 16, 16, 1), np.float32)


def make(name="classifier", shape=(16, 16, 1), outputs=1, **arguments):
    return build({"name": name, "encoder": ENCODER, **arguments}, shape, outputs, "sigmoid")


def run(network, inputs=PICTURE):
    return keras.ops.convert_to_numpy(network(inputs, training=False))


def output_of(model, layer):
    """Return the network up to a layer, as Keras makes it."""
    return keras.Model(model.input, model.get_layer(layer).output)


def test_default_is_what_the_last_dense_layer_is_given():
    model = make(hidden=[7], dropout=0.3)
    expected = run(output_of(model, "head_1_dense"))
    assert expected.shape == (2, 7)
    np.testing.assert_allclose(run(feature_network(model)), expected, rtol=1e-5)


def test_layer_of_a_vector_is_taken_by_name():
    model = make(hidden=[7, 4])
    np.testing.assert_allclose(run(feature_network(model, "head_1_dense")), run(output_of(model, "head_1_dense")))


def test_map_of_a_layer_is_averaged_over_all_positions():
    model = make()
    expected = run(output_of(model, "stride_1_conv")).mean(axis=(1, 2))
    np.testing.assert_allclose(run(feature_network(model, "stride_1_conv")), expected, rtol=1e-5)


@pytest.mark.parametrize("layer", ["stride_2", 2, "2"])
def test_stride_is_the_end_of_that_stage(layer):
    model = make()
    np.testing.assert_allclose(run(feature_network(model, layer)), run(output_of(model, "head_pool")), rtol=1e-5)


def test_volume_gives_a_vector():
    model = make(shape=(8, 16, 16, 1))
    expected = run(output_of(model, "head_pool"), VOLUME)
    np.testing.assert_allclose(run(feature_network(model), VOLUME), expected, rtol=1e-5)


def test_encoder_without_a_dense_layer_gives_its_own_output():
    model = make(outputs=0)
    np.testing.assert_allclose(run(feature_network(model)), run(model))


def test_segmentation_gives_the_end_of_its_encoder():
    assert feature_network(make("unet")).output_shape == (None, 5)


@pytest.fixture(scope="module")
def nested():
    """A network with another one in it, behind a Sequential, and the features between that and its head."""
    image = keras.Input((16, 16, 1))
    first = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Rescaling(2.0, name="double")])
    features = make(outputs=0)(first(image))
    return keras.Model(image, keras.layers.Dense(1)(features)), keras.Model(image, features)


def test_features_behind_a_nested_encoder_are_found(nested):
    np.testing.assert_allclose(run(feature_network(nested[0])), run(nested[1]), rtol=1e-5)


def test_layer_inside_a_nested_encoder_is_found(nested):
    np.testing.assert_allclose(run(feature_network(nested[0], "head_pool")), run(nested[1]), rtol=1e-5)
    assert run(feature_network(nested[0], "stride_1")).shape == (2, 3)


def test_layers_are_shared_and_the_model_stays_as_it_was():
    model = make()
    before, features = run(model), feature_network(model)
    layer = model.get_layer("stride_1_conv")
    assert features.get_layer("stride_1_conv") is layer
    np.testing.assert_array_equal(run(model), before)
    layer.set_weights([0 * weight for weight in layer.get_weights()])
    assert np.ptp(run(features), axis=0).max() == 0


def test_unknown_layer_names_near_matches():
    with pytest.raises(ValueError, match=r"Unknown layer 'head_pol'.*'head_pool'.*stride_1, stride_2"):
        feature_network(make(), "head_pol")
