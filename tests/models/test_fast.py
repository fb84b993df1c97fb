"""Fast layers compute what stock ones do, and are stock ones to everything that looks at them."""

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.models import accelerate, build
from medzoo.models.encoders.resnet import resnet_encoder

SAME = {"padding": "same"}
IMAGE, VOLUME = (9, 8), (5, 9, 8)
# Layer, its arguments, and the shape of its input.
CASES = {
    "groups": (layers.Conv2D, (64, 3), {"groups": 32, **SAME}, (*IMAGE, 64)),
    "groups that widen, with bias and activation": (
        layers.Conv2D,
        (48, 3),
        {"groups": 3, "activation": "gelu"},
        (*IMAGE, 6),
    ),
    "groups of one channel": (layers.Conv2D, (40, (3, 5)), {"groups": 20, **SAME}, (*IMAGE, 20)),
    "strided groups": (layers.Conv2D, (64, 3), {"groups": 16, "strides": 2, **SAME}, (*IMAGE, 32)),
    "strided groups without padding": (layers.Conv2D, (32, 3), {"groups": 8, "strides": 2}, (*IMAGE, 16)),
    "dilated groups": (layers.Conv2D, (16, 3), {"groups": 4, "dilation_rate": 2, **SAME}, (*IMAGE, 16)),
    "pointwise": (layers.Conv2D, (4, 1), {}, (*IMAGE, 3)),
    "strided pointwise volume": (layers.Conv3D, (4, 1), {"strides": 2, "use_bias": False}, (*VOLUME, 3)),
    "volume": (layers.Conv3D, (4, 3), SAME, (*VOLUME, 40)),
    "volume of few channels": (layers.Conv3D, (4, 3), SAME, (*VOLUME, 2)),
    "volume without padding": (layers.Conv3D, (4, (2, 3, 3)), {}, (*VOLUME, 3)),
    "strided volume": (layers.Conv3D, (4, 7), {"strides": 2, **SAME}, (8, 9, 8, 1)),
    "strided volume without padding": (layers.Conv3D, (4, 3), {"strides": (1, 2, 2)}, (*VOLUME, 3)),
    "dilated volume": (layers.Conv3D, (4, 3), {"dilation_rate": 2, **SAME}, (*VOLUME, 3)),
    "volume smaller than its dilation": (layers.Conv3D, (64, 3), {"dilation_rate": 4, **SAME}, (3, 5, 6, 2)),
    "dilated volume without padding": (layers.Conv3D, (4, 3), {"dilation_rate": (2, 3, 1)}, (*VOLUME, 3)),
    "pooling": (layers.MaxPooling2D, (3,), {"strides": 2, **SAME}, (*IMAGE, 3)),
    "pooling of volumes": (layers.MaxPooling3D, (3,), {"strides": 2}, (*VOLUME, 3)),
}


@pytest.fixture(params=CASES)
def networks(request):
    """The same layer behind another, stock and fast."""
    kind, arguments, options, shape = CASES[request.param]
    stock, fast = (sandwich(kind(*arguments, **options), shape) for _ in range(2))
    fast.set_weights(stock.get_weights())
    return stock, accelerate(fast, enabled=True)


def sandwich(layer, shape):
    image = keras.Input(shape)
    return keras.Model(image, layer(layers.Dense(shape[-1], name="before")(image)))


def inputs(network, batch=2):
    return np.random.default_rng(1).standard_normal((batch, *network.input_shape[1:]), np.float32)


def gradients(network):
    """Return the gradients of all weights, of which those of the layer before show the gradient of the input."""
    before = network.get_weights()
    network.compile(keras.optimizers.SGD(1.0), "mean_squared_error", jit_compile=False)
    images = inputs(network)
    targets = np.random.default_rng(2).standard_normal((2, *network.output_shape[1:]), np.float32)
    network.train_on_batch(images, targets)
    return [old - new for old, new in zip(before, network.get_weights(), strict=True)]


def methods(network):
    """Return what the instances of the layers override."""
    return [name for layer in network.layers for name in vars(layer) if name in ("convolution_op", "call")]


def test_output_is_that_of_the_stock_layer(networks):
    stock, fast = networks
    images = inputs(stock)
    assert methods(fast)
    assert fast.predict_on_batch(images) == pytest.approx(stock.predict_on_batch(images), abs=1e-4)


def test_gradients_are_those_of_the_stock_layer(networks):
    stock, fast = networks
    for expected, gradient in zip(gradients(stock), gradients(fast), strict=True):
        assert np.abs(expected).max() > 0
        assert np.abs(gradient - expected).max() <= 1e-3 * np.abs(expected).max()


def test_config_and_weights_are_those_of_the_stock_layer(networks):
    stock, fast = networks
    configs = [[{**layer.get_config(), "name": None} for layer in network.layers[1:]] for network in networks]
    assert configs[0] == configs[1]
    assert [type(layer) for layer in fast.layers] == [type(layer) for layer in stock.layers]
    assert not methods(keras.Model.from_config(fast.get_config()))


def test_a_size_that_is_not_known_is_served():
    kind, arguments, options, shape = CASES["dilated volume"]
    network = accelerate(sandwich(kind(*arguments, **options), (None, None, None, shape[-1])), enabled=True)
    images = np.random.default_rng(0).standard_normal((1, *shape), np.float32)
    fast = network.predict_on_batch(images)
    assert fast == pytest.approx(accelerate(network, enabled=False).predict_on_batch(images), abs=1e-4)


def test_mixed_precision_is_kept():
    layer = layers.Conv2D(32, 3, groups=8, padding="same", dtype="mixed_bfloat16")
    images = np.random.default_rng(0).standard_normal((1, 6, 6, 16), np.float32)
    stock = layer(images)
    fast = accelerate(layer, enabled=True)(images)
    assert keras.backend.standardize_dtype(fast.dtype) == "bfloat16"
    difference = keras.ops.convert_to_numpy(keras.ops.cast(fast - stock, "float32"))
    assert np.abs(difference).max() < 0.05


def test_switching_off_takes_every_override_away_also_in_models_inside():
    inner = resnet_encoder((16, 16, 16, 1), depth=10, width_per_group=4)
    image = keras.Input((16, 16, 16, 1))
    model = keras.Model(image, inner(image)["stride_8"])
    assert methods(accelerate(inner, enabled=True))
    accelerate(model, enabled=False)
    assert not methods(inner)


def test_a_compiled_model_goes_over_to_the_other_way():
    network = sandwich(layers.Conv2D(8, 3, groups=4), (6, 6, 8))
    images = inputs(network)
    network.predict_on_batch(images)
    calls = []
    accelerate(network, enabled=True)
    layer = network.layers[-1]
    fast = layer.convolution_op
    layer.convolution_op = lambda *arguments: calls.append(1) or fast(*arguments)
    network.predict_on_batch(images)
    assert calls


def test_a_gpu_keeps_the_stock_layers(monkeypatch):
    class Tensor:
        device = "cuda:0"

    monkeypatch.setattr("medzoo.models.fast.ops.zeros", lambda *_: Tensor())
    assert not methods(accelerate(resnet_encoder((32, 32, 1), depth=10, width_per_group=4)))


def test_networks_are_built_fast_where_the_backend_gains():
    network = build({"name": "classifier", "encoder": "resnext50"}, (32, 32, 1), 1, "sigmoid")
    assert bool(methods(network)) == (keras.backend.backend() != "torch")


def test_another_switch_is_refused():
    with pytest.raises(ValueError, match="'auto'"):
        accelerate(layers.Conv2D(1, 1), enabled="gpu")
