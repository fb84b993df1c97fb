"""What encoders keep when they run; one of every kind, see SMALL in conftest.py."""

import json

import keras
import numpy as np
import pytest


def features_of(encoder, shape):
    features = encoder(np.random.default_rng(0).random((1, *shape), np.float32), training=False)
    return {name: keras.ops.convert_to_numpy(feature) for name, feature in features.items()}


def assert_same(features, others):
    assert features.keys() == others.keys()
    for name, feature in features.items():
        assert others[name] == pytest.approx(feature, abs=1e-4 * float(np.abs(feature).max())), name


@pytest.fixture
def restored_policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def test_features_of_an_odd_size_are_rounded_up(small_encoder):
    shape = small_encoder.odd()
    for name, feature in features_of(small_encoder.model, shape).items():
        stride = int(name.removeprefix("stride_"))
        assert feature.shape[:-1] == (1, *(-(-size // stride) for size in shape[:-1]))
        assert feature.std() > 0


def test_known_size_gives_the_features_of_an_unknown_size(small_encoder):
    shape = small_encoder.odd()
    known = small_encoder.new(shape)
    known.set_weights(small_encoder.model.get_weights())
    assert_same(features_of(known, shape), features_of(small_encoder.model, shape))


@pytest.mark.one_backend
@pytest.mark.parametrize("channels", [1, 4])
def test_any_number_of_channels_is_taken(small_encoder, channels, recwarn):
    encoder = small_encoder.new(small_encoder.unknown(channels))
    assert encoder.input_shape[-1] == channels
    assert {name: feature.shape for name, feature in encoder.output.items()} == {
        name: feature.shape for name, feature in small_encoder.model.output.items()
    }
    assert not [warning.message for warning in recwarn if "channels" in str(warning.message)]


@pytest.mark.one_backend
def test_smallest_size_gives_one_position(small_encoder):
    stride = small_encoder.stride
    encoder = small_encoder.new((*[stride] * small_encoder.dimensions, 3))
    assert encoder.output[f"stride_{stride}"].shape[1:-1] == (1,) * small_encoder.dimensions


@pytest.mark.one_backend
def test_names_do_not_count_up(small_encoder):
    again = small_encoder.new(small_encoder.unknown())
    assert [layer.name for layer in again.layers] == [layer.name for layer in small_encoder.model.layers]
    assert again.name == small_encoder.model.name


@pytest.mark.one_backend
def test_config_is_json_that_bare_keras_reads(small_encoder):
    config = json.dumps(small_encoder.model.get_config())
    with keras.saving.CustomObjectScope({}):
        copy = keras.Model.from_config(json.loads(config))
    assert json.dumps(copy.get_config()) == config


def test_saved_encoder_gives_the_same_features(small_encoder, tmp_path):
    small_encoder.model.save(tmp_path / "encoder.keras")
    copy = keras.saving.load_model(tmp_path / "encoder.keras")
    shape = small_encoder.odd()
    assert_same(features_of(small_encoder.model, shape), features_of(copy, shape))


def test_features_are_finite_under_mixed_precision(small_encoder, restored_policy):
    keras.config.set_dtype_policy("mixed_bfloat16")
    encoder = small_encoder.new(small_encoder.odd())
    assert {layer.compute_dtype for layer in encoder.layers[1:]} == {"bfloat16"}
    assert {weight.dtype for weight in encoder.weights} == {"float32"}
    for feature in encoder.predict_on_batch(np.ones((1, *small_encoder.odd()), np.float32)).values():
        assert np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(feature, "float32"))).all()
