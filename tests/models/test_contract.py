"""What every builder keeps; a new row of the table needs no new test. Encoders have theirs in tests/models/encoders."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.graph.walk import flatten

IMAGE, VOLUME = (32, 32, 2), (8, 8, 8, 1)
SHAPES = [IMAGE, VOLUME]
# Sizes of both kinds of encoders that no total stride divides, and that none of them exceeds.
ODD_SHAPES = [(33, 50, 1), (17, 25, 33, 1)]


def inputs_of(shape, batch=2):
    """Return images of different brightness, without which all units that see means over positions may be silent."""
    brightness = np.arange(1, batch + 1, dtype=np.float32).reshape(batch, *(1 for _ in shape))
    return brightness * np.random.default_rng(0).random((batch, *shape), np.float32)


def predict(network, shape):
    return network.predict_on_batch(inputs_of(shape))


@pytest.fixture
def restored_policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("channels", "outputs"), [(1, 1), (3, 3), (4, 1)])
def test_network_is_built_for_any_number_of_channels_and_outputs(small_network, shape, channels, outputs):
    shape = (*shape[:-1], channels)
    network = small_network(shape, outputs)
    assert network.input_shape == (None, *shape)
    assert network.output_shape == (None, *small_network.output_shape(shape, outputs))


@pytest.mark.parametrize("shape", SHAPES)
def test_network_answers_with_probabilities(small_network, shape):
    answer = predict(small_network(shape, 3, "softmax"), shape)
    assert answer.shape == (2, *small_network.output_shape(shape, 3))
    assert answer.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert answer.std() > 0


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_network_takes_unknown_sizes(small_network, shape):
    unknown = (*(None for _ in shape[:-1]), shape[-1])
    network = small_network(unknown)
    assert network.output_shape == (None, *small_network.output_shape(unknown))
    assert network.count_params() == small_network(shape).count_params()


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_odd_size_is_accepted_or_refused_with_one_that_builds(small_network, shape):
    if not small_network.segments:
        assert small_network(shape).output_shape == (None, 1)
        return
    with pytest.raises(ValueError, match=r"must be divisible by \d+; got") as caught:
        small_network(shape)
    size = str(caught.value).partition("Preprocessing(size=(")[2].partition("))")[0]
    fixed = (*map(int, size.split(", ")), 1)
    assert all(0 <= new - old < 32 for new, old in zip(fixed, shape, strict=True))
    assert small_network(fixed).output_shape == (None, *fixed)


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", [(32, 2), (8, 16, 16, 16, 1)])
def test_input_of_another_rank_is_refused(small_network, shape):
    with pytest.raises(ValueError, match=r"`input_shape` must be \(height, width, channels\) or \(depth"):
        small_network(shape)


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_network_is_functional_and_of_stock_layers_only(small_network, shape):
    network = small_network(shape)
    functional = type(keras.Model(network.input, network.output))
    assert type(network) is functional
    stock = [type(layer) is getattr(layers, type(layer).__name__, functional) for layer in flatten(network)]
    assert all(stock)


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_config_is_json_that_bare_keras_reads(small_network, shape):
    config = json.dumps(small_network(shape).get_config())
    with keras.saving.CustomObjectScope({}):
        copy = keras.Model.from_config(json.loads(config))
    assert json.dumps(copy.get_config()) == config


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", SHAPES)
def test_layer_names_tell_the_part_of_the_network_and_do_not_count_up(small_network, shape):
    names = [layer.name for layer in small_network.new(shape).layers]
    assert names == [layer.name for layer in small_network.new(shape).layers]
    parts = ("image", "stem_", "stage_", "stride_", "decoder_", "head_", "probabilities", "predictions", "fold_")
    _, *inside = flatten(small_network(shape))
    assert [layer.name for layer in inside if not layer.name.startswith(parts)] == []
    assert names[-1] == ("probabilities" if small_network.segments else "predictions")


def test_saved_network_gives_the_same_answer(small_network, tmp_path):
    network = small_network(IMAGE, 3, "softmax")
    network.save(tmp_path / "network.keras")
    copy = keras.saving.load_model(tmp_path / "network.keras")
    assert predict(copy, IMAGE) == pytest.approx(predict(network, IMAGE), abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_one_step_moves_every_trainable_weight(small_network, shape):
    keras.utils.set_random_seed(0)
    network = small_network.new(shape, 2)
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in network.trainable_weights]
    # What runs once is not worth compiling, except on JAX, which compiles it anyway, one operation at a time.
    network.compile(keras.optimizers.SGD(1.0), "mse", run_eagerly=keras.backend.backend() != "jax")
    targets = np.random.default_rng(1).random((4, *small_network.output_shape(shape, 2)), np.float32)
    assert np.isfinite(network.train_on_batch(inputs_of(shape, 4), targets))
    still = [
        weight.path
        for weight, old in zip(network.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
    ]
    assert still == []


def test_output_is_float32_under_mixed_precision(small_network, restored_policy):
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = small_network.new(IMAGE)
    assert network.layers[1].compute_dtype == "bfloat16"
    assert network.output.dtype == "float32"
    answer = predict(network, IMAGE)
    assert answer.dtype == np.float32
    assert np.isfinite(answer).all()
    assert all(weight.dtype == "float32" for weight in network.weights)
