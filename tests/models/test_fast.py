import keras
import numpy as np
import pytest
from keras import layers

from medzoo.models import fast
from medzoo.models.fast import accelerate

BACKEND = keras.backend.backend()

# Layers with a fast way, and the size of an input.
CASES = {
    "grouped": (layers.Conv2D(64, 3, padding="same", groups=32), (6, 5, 64)),
    "grouped, more filters than channels": (layers.Conv2D(96, 3, groups=3), (6, 5, 48)),
    "grouped strided valid": (layers.Conv2D(8, 3, strides=2, groups=2), (9, 8, 4)),
    "grouped strided same": (layers.Conv2D(8, (3, 2), strides=2, padding="same", groups=2), (9, 8, 4)),
    "grouped dilated": (layers.Conv2D(8, 3, dilation_rate=2, groups=4), (9, 8, 8)),
    "a group for every channel, a prime number of them": (layers.Conv2D(74, 3, groups=37), (5, 5, 37)),
    "one by one strided": (layers.Conv2D(4, 1, strides=2), (5, 6, 3)),
    "one by one by one": (layers.Conv3D(4, 1), (3, 4, 5, 3)),
    "3D": (layers.Conv3D(4, 3, padding="same"), (4, 5, 6, 16)),
    "3D valid, even kernel": (layers.Conv3D(4, (2, 3, 4)), (4, 5, 6, 16)),
    "3D strided": (layers.Conv3D(4, 3, strides=(1, 2, 3), padding="same"), (4, 5, 6, 16)),
    "3D stem of one channel": (layers.Conv3D(4, 7, strides=2), (8, 9, 10, 1)),
    "3D dilated, size no multiple of the dilation": (
        layers.Conv3D(4, 3, padding="same", dilation_rate=4),
        (6, 7, 9, 16),
    ),
    "3D dilated by more than the size": (layers.Conv3D(4, 3, padding="same", dilation_rate=6), (4, 5, 4, 16)),
    "3D dilated valid": (layers.Conv3D(4, 3, dilation_rate=2), (5, 6, 7, 16)),
    "3D dilated, even kernel": (layers.Conv3D(4, 2, padding="same", dilation_rate=(1, 2, 3)), (4, 5, 6, 16)),
    "max pooling": (layers.MaxPooling2D(3, strides=2), (9, 8, 4)),
    "max pooling same": (layers.MaxPooling2D(3, strides=2, padding="same"), (9, 8, 4)),
    "max pooling 3D": (layers.MaxPooling3D(2), (4, 5, 6, 3)),
}


def make_model(layer, size):
    """Return a model of that layer behind one whose update depends on the gradient of the layer's inputs."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(size)
    x = layers.Dense(size[-1], kernel_initializer="random_normal")(inputs)
    model = keras.Model(inputs, layer.from_config(layer.get_config())(x))
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=False)
    return model


def random_batch(*shape):
    return np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")


def is_fast(layer):
    return bool({"call", "convolution_op"} & vars(layer).keys())


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_every_case_has_a_fast_way(case):
    assert is_fast(accelerate(case[0].from_config(case[0].get_config()), True))


def test_output_is_that_of_the_stock_layer(case):
    model, x = make_model(*case), random_batch(*case[1])
    expected = model.predict_on_batch(x)
    np.testing.assert_allclose(accelerate(model, True).predict_on_batch(x), expected, atol=1e-4)


def test_gradients_are_those_of_the_stock_layer(case):
    updates = []
    for enabled in (False, True):
        model, x = accelerate(make_model(*case), enabled), random_batch(*case[1])
        before = model.get_weights()
        model.train_on_batch(x, np.ones((2, *model.output_shape[1:]), "float32"))
        updates.append([new - old for new, old in zip(model.get_weights(), before, strict=True)])
    for stock, ours in zip(*updates, strict=True):
        assert np.abs(stock).max() > 0
        np.testing.assert_allclose(ours, stock, atol=1e-3 * np.abs(stock).max())


@pytest.mark.parametrize("name", ["grouped", "one by one strided", "3D", "3D dilated valid", "max pooling"])
def test_mixed_precision_is_close_to_the_stock_layer_in_float32(name):
    # In mixed precision, the stock Conv3D of TensorFlow itself is up to 5 % off.
    stock, size = CASES[name]
    layer = layer_like(stock, dtype="mixed_bfloat16")
    x = random_batch(*size)
    ours = accelerate(layer, True)(x)
    assert keras.backend.standardize_dtype(ours.dtype) == "bfloat16"
    exact = layer_like(stock, dtype="float32")
    exact.build(x.shape)
    exact.set_weights(layer.get_weights())
    expected = keras.ops.convert_to_numpy(exact(x))
    ours = keras.ops.convert_to_numpy(keras.ops.cast(ours, "float32"))
    np.testing.assert_allclose(ours, expected, atol=0.02 * np.abs(expected).max())


def layer_like(layer, **settings):
    return layer.from_config({**layer.get_config(), **settings})


@pytest.mark.parametrize("name", ["grouped", "one by one strided", "3D", "3D dilated valid", "max pooling 3D"])
def test_unknown_sizes_work(name):
    layer, size = CASES[name]
    x = random_batch(*size)
    known = make_model(layer, size)
    unknown = make_model(layer, (*(None for _ in size[:-1]), size[-1]))
    unknown.set_weights(known.get_weights())
    result = accelerate(unknown, True).predict_on_batch(x)
    np.testing.assert_allclose(result, known.predict_on_batch(x), atol=1e-4)


def test_configuration_and_weights_stay_those_of_the_stock_layer(case):
    layer, size = case
    stock, ours = make_model(layer, size), accelerate(make_model(layer, size), True)
    assert ours.layers[-1].get_config() == {**stock.layers[-1].get_config(), "name": ours.layers[-1].name}
    assert [weight.shape for weight in ours.weights] == [weight.shape for weight in stock.weights]


def test_a_saved_fast_model_loads_as_a_stock_one(tmp_path):
    model, x = accelerate(make_model(*CASES["grouped"]), True), random_batch(*CASES["grouped"][1])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not any(map(is_fast, loaded.layers))
    np.testing.assert_allclose(loaded.predict_on_batch(x), model.predict_on_batch(x), atol=1e-4)


def test_layers_of_nested_models_are_found():
    inner = make_model(*CASES["grouped"])
    outer = keras.Sequential([keras.Input(inner.input_shape[1:]), inner])
    accelerate(outer, True)
    assert is_fast(inner.layers[-1])


def test_disabled_is_the_stock_layer_again():
    layer = accelerate(accelerate(layers.Conv2D(4, 3, groups=2), True), False)
    assert not is_fast(layer)


def test_what_was_compiled_is_dropped():
    model = make_model(*CASES["grouped"])
    model.predict_on_batch(random_batch(*CASES["grouped"][1]))
    assert accelerate(model, True).predict_function is None


def test_auto_takes_what_gains_on_this_backend():
    chosen = {name for name, (layer, _) in CASES.items() if is_fast(accelerate(layer.from_config(layer.get_config())))}
    grouped = {name for name in CASES if "group" in name}
    assert chosen == {"jax": set(CASES), "tensorflow": grouped, "torch": set()}[BACKEND]


def test_auto_on_tensorflow_takes_wide_and_far_dilated_volumes():
    fast_one, near, narrow = (layers.Conv3D(n, 3, dilation_rate=rate) for n, rate in ((64, 4), (64, 2), (16, 4)))
    chosen = [is_fast(accelerate(layer)) for layer in (fast_one, near, narrow)]
    assert chosen == {"jax": [True] * 3, "tensorflow": [True, False, False], "torch": [False] * 3}[BACKEND]


def test_auto_on_a_gpu_is_the_stock_layer(monkeypatch):
    class OnGpu:
        device = "cuda:0"

    monkeypatch.setattr(fast.ops, "zeros", lambda shape: OnGpu())
    assert not is_fast(accelerate(layers.Conv2D(4, 3, groups=2)))


def test_a_subclass_is_left_alone():
    class Other(layers.Conv2D):
        pass

    assert not is_fast(accelerate(Other(4, 3, groups=2), True))


def test_channels_first_is_left_alone():
    assert not is_fast(accelerate(layers.Conv3D(4, 3, data_format="channels_first"), True))


def test_something_else_than_a_switch_is_refused():
    with pytest.raises(ValueError, match="expected to be True, False or 'auto'. Received: enabled='on'"):
        accelerate(layers.Conv2D(4, 3), "on")
