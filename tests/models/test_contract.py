"""What every row of the tables of builders and encoders keeps; a new row needs no new test."""

import keras
import numpy as np
import pytest
from keras import layers

SHAPES = [(32, 32, 1), (64, 32, 3), (32, 96, 2)]
OUTPUTS = [(1, "sigmoid"), (3, "softmax")]


def images(shape, batch=2):
    return np.random.default_rng(0).random((batch, *shape), np.float32)


@pytest.fixture
def restored_policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("shape", SHAPES)
def test_encoder_names_its_features_by_their_stride(small_encoder, shape):
    encoder = small_encoder(shape)
    features = encoder.predict_on_batch(images(shape))
    assert features.keys() == encoder.output.keys()
    for name, feature in features.items():
        stride = int(name.removeprefix("stride_"))
        assert feature.shape[:3] == (2, shape[0] // stride, shape[1] // stride)


def test_encoder_features_keep_their_names_in_a_file(small_encoder, tmp_path):
    encoder = small_encoder((32, 32, 1))
    encoder.save(tmp_path / "encoder.keras")
    features = keras.saving.load_model(tmp_path / "encoder.keras").predict_on_batch(images((32, 32, 1)))
    for name, feature in encoder.predict_on_batch(images((32, 32, 1))).items():
        assert features[name] == pytest.approx(feature, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("outputs", "activation"), OUTPUTS)
def test_network_answers_with_probabilities_for_every_pixel(small_network, shape, outputs, activation):
    network = small_network(shape, outputs, activation)
    answer = network.predict_on_batch(images(shape))
    assert network.input_shape == (None, *shape)
    assert network.output_shape == (None, *shape[:2], outputs)
    assert answer.shape == (2, *shape[:2], outputs)
    assert ((answer >= 0) & (answer <= 1)).all()
    if activation == "softmax":
        assert answer.sum(axis=-1) == pytest.approx(1, abs=1e-5)


def test_size_that_does_not_divide_is_refused_with_one_that_builds(small_network):
    with pytest.raises(ValueError, match=r"got \(33, 50, 1\)") as caught:
        small_network((33, 50, 1))
    size = str(caught.value).partition("Preprocessing(size=(")[2].partition("))")[0]
    height, width = map(int, size.split(", "))
    assert (height, width) != (33, 50)
    assert small_network((height, width, 1)).output_shape == (None, height, width, 1)


def test_network_is_functional_and_of_stock_layers_only(small_network, small_encoder):
    for model in (small_network(), small_encoder((32, 32, 1))):
        assert type(model) is type(keras.Model(model.input, model.output))
        assert all(getattr(layers, type(layer).__name__, None) is type(layer) for layer in model.layers)


def test_config_is_read_by_bare_keras(small_network):
    network = small_network()
    with keras.saving.CustomObjectScope({}):
        copy = keras.Model.from_config(network.get_config())
    copy.set_weights(network.get_weights())
    assert copy.predict_on_batch(images((32, 32, 1))) == pytest.approx(
        network.predict_on_batch(images((32, 32, 1))), abs=1e-6
    )


def test_saved_network_gives_the_same_answer(small_network, tmp_path):
    network = small_network()
    network.save(tmp_path / "network.keras")
    copy = keras.saving.load_model(tmp_path / "network.keras")
    assert copy.predict_on_batch(images((32, 32, 1))) == pytest.approx(
        network.predict_on_batch(images((32, 32, 1))), abs=1e-6
    )


@pytest.mark.parametrize(("outputs", "activation"), OUTPUTS)
def test_one_step_moves_every_trainable_weight(small_network, outputs, activation):
    keras.utils.set_random_seed(0)
    network = small_network((32, 32, 2), outputs, activation)
    before = [weight.numpy() if hasattr(weight, "numpy") else np.array(weight) for weight in network.trainable_weights]
    network.compile(keras.optimizers.SGD(1.0), keras.losses.MeanSquaredError(), run_eagerly=True)
    network.train_on_batch(images((32, 32, 2), 4), np.random.default_rng(1).random((4, 32, 32, outputs), np.float32))
    still = [
        weight.path
        for weight, old in zip(network.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    assert not still


def test_output_is_float32_under_mixed_precision(small_network, restored_policy):
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = small_network()
    assert network.layers[1].compute_dtype == "bfloat16"
    assert network.output.dtype == "float32"
    assert network.predict_on_batch(images((32, 32, 1))).dtype == np.float32
    assert all(weight.dtype == "float32" for weight in network.weights)


def test_layer_names_do_not_count_up(small_network):
    names = [[layer.name for layer in small_network().layers] for _ in range(2)]
    assert names[0] == names[1]
