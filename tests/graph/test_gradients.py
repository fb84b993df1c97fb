import keras
import numpy as np
import pytest
from keras import layers, ops

from medzoo.graph.calls import graph_of
from medzoo.graph.gradients import layer_gradient, run_graph, with_logits
from medzoo.models.fast import accelerate

IMAGE = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
ONE = np.ones((2, 1))


def make_model(activation="sigmoid", **dense):
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(3, 3, padding="same", name="conv")(image)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, layers.Dense(1, activation, name="dense", **dense)(x))


def in_front_of_pooling(model):
    """Gradient of the logit at any position of `pool`: the weights of the dense layer over the 16 positions."""
    return np.broadcast_to(model.get_layer("dense").get_weights()[0][:, 0] / 16, (2, 4, 4, 3))


def activation_and_gradient(model, layer, inputs, weights):
    graph = graph_of(model)
    return layer_gradient(graph, [call for call in graph.calls if call.layer is layer][-1])(inputs, weights)


def same(pair, other):
    return all(np.allclose(*parts, atol=1e-6) for parts in zip(pair, other, strict=True))


def test_graph_gives_what_the_network_gives():
    model = make_model()
    np.testing.assert_allclose(run_graph(graph_of(model), IMAGE), ops.convert_to_numpy(model(IMAGE)), rtol=1e-6)


def test_activation_is_what_the_layer_gives():
    model = make_model()
    activation, _ = activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    expected = keras.Model(model.input, model.get_layer("pool").output)(IMAGE)
    np.testing.assert_allclose(activation, ops.convert_to_numpy(expected), rtol=1e-6)


def test_gradient_is_that_of_the_logit():
    model = make_model()
    _, gradient = activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    np.testing.assert_allclose(gradient, in_front_of_pooling(model), rtol=1e-5)


def test_gradient_is_weighted_by_the_weight_of_each_output():
    model = make_model()
    _, gradient = activation_and_gradient(model, model.get_layer("pool"), IMAGE, np.array([[-2.0], [0.0]]))
    np.testing.assert_allclose(gradient[0], -2 * in_front_of_pooling(model)[0], rtol=1e-5)
    assert not gradient[1].any()


def test_gradient_does_not_vanish_where_the_network_is_certain():
    model = make_model(bias_initializer=keras.initializers.Constant(1e4))
    assert ops.convert_to_numpy(model(IMAGE)).max() == 1
    _, gradient = activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    np.testing.assert_allclose(gradient, in_front_of_pooling(model), rtol=1e-5)


def test_logits_come_from_a_head_that_is_a_model_of_its_own():
    inner = make_model()
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, inner(image))
    logits = run_graph(with_logits(graph_of(model)), IMAGE)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), ops.convert_to_numpy(model(IMAGE)), rtol=1e-5)


def test_activation_of_a_regression_is_kept():
    graph = graph_of(make_model("softplus"))
    assert with_logits(graph) is graph


def test_gradient_of_the_last_layer_is_the_weight_of_each_output():
    model = make_model()
    activation, gradient = activation_and_gradient(model, model.get_layer("dense"), IMAGE, 3 * ONE)
    np.testing.assert_allclose(1 / (1 + np.exp(-activation)), ops.convert_to_numpy(model(IMAGE)), rtol=1e-5)
    np.testing.assert_array_equal(gradient, 3 * ONE)


def test_gradient_ignores_what_passes_beside_the_layer():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(1, 1, name="conv")(image)
    y = layers.Multiply()([layers.Identity(name="seen")(x), x])
    model = keras.Model(image, layers.GlobalAveragePooling2D()(y))
    activation, gradient = activation_and_gradient(model, model.get_layer("seen"), IMAGE, ONE)
    np.testing.assert_allclose(gradient, activation / 64, rtol=1e-5)


def test_frozen_layers_have_the_same_gradient():
    model = make_model()
    expected = activation_and_gradient(model, model.get_layer("conv"), IMAGE, ONE)
    model.trainable = False
    assert same(activation_and_gradient(model, model.get_layer("conv"), IMAGE, ONE), expected)


@pytest.mark.parametrize("name", ["conv", "pool"])
def test_accelerated_layers_have_the_same_gradient(name):
    model = make_model()
    expected = activation_and_gradient(model, model.get_layer(name), IMAGE, ONE)
    accelerate(model, True)
    assert same(activation_and_gradient(model, model.get_layer(name), IMAGE, ONE), expected)


def test_the_fast_way_of_a_layer_stays():
    model = accelerate(make_model(), True)
    fast = vars(model.get_layer("pool"))["call"]
    activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    assert vars(model.get_layer("pool"))["call"] is fast


def test_nothing_is_left_behind():
    model = accelerate(make_model(), False)
    before = model.get_config()
    activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    assert not [layer.name for layer in model.layers if "call" in vars(layer)]
    assert model.get_config() == before


def test_weights_and_statistics_stay_as_they_are():
    model = make_model()
    before = [weight.copy() for weight in model.get_weights()]
    activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    assert all(np.array_equal(*pair) for pair in zip(model.get_weights(), before, strict=True))


def test_dropout_is_off():
    image = keras.Input((8, 8, 1))
    x = layers.Dropout(0.9)(layers.Identity(name="seen")(image))
    model = keras.Model(image, layers.Dense(1, "sigmoid")(layers.Flatten()(x)))
    _, gradient = activation_and_gradient(model, model.get_layer("seen"), IMAGE, ONE)
    assert gradient.all()


def test_the_last_use_of_a_shared_layer_counts():
    shared = layers.Conv2D(1, 1, bias_initializer="ones", name="shared")
    image = keras.Input((8, 8, 1))
    twice = shared(shared(image))
    model = keras.Model(image, layers.Dense(1, name="dense")(layers.GlobalAveragePooling2D()(twice)))
    activation, gradient = activation_and_gradient(model, shared, IMAGE, ONE)
    np.testing.assert_allclose(activation, ops.convert_to_numpy(keras.Model(image, twice)(IMAGE)), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.full_like(IMAGE, model.get_layer("dense").get_weights()[0] / 64), rtol=1e-5)


def test_mixed_precision_gives_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_model(dtype="float32")
    finally:
        keras.config.set_dtype_policy("float32")
    activation, gradient = activation_and_gradient(model, model.get_layer("pool"), IMAGE, ONE)
    assert activation.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, in_front_of_pooling(model), rtol=2e-2)


def test_volumes_have_gradients_too():
    image = keras.Input((4, 4, 4, 1))
    x = layers.Conv3D(2, 3, padding="same", name="conv")(image)
    model = accelerate(keras.Model(image, layers.Dense(1)(layers.GlobalAveragePooling3D()(x))), True)
    _, gradient = activation_and_gradient(model, model.get_layer("conv"), np.ones((1, 4, 4, 4, 1)), np.ones((1, 1)))
    np.testing.assert_allclose(gradient[0, 0, 0, 0], model.layers[-1].get_weights()[0][:, 0] / 64, rtol=1e-5)
