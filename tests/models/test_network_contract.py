"""What `ZooModel.wrap` takes, and what it is given that has no recipe."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

import medzoo
from medzoo.task import Classification, Regression, Segmentation
from medzoo.zoo.find import locate
from medzoo.zoo_model import ZooModel

THREE = Segmentation(("background", "edema", "tumor"))


def network(*parts, shape=(16, 16, 1)):
    image = x = keras.Input(shape)
    for part in parts:
        x = part(x)
    return keras.Model(image, x)


def conv(filters=1, activation="sigmoid"):
    return layers.Conv2D(filters, 1, activation=activation)


TWO = Classification(("a", "b"))
WRONG = {
    "five outputs": (None, [conv(5, "softmax")], "must be .16, 16, 1. .*one sigmoid output.*Received: .16, 16, 5"),
    "two outputs": (None, [conv(2, "softmax")], "one sigmoid output for two labels"),
    "logits": (None, [conv(1, None)], "must end in a sigmoid.*Received: linear. For logits write"),
    "rectified": (None, [conv(1, "relu")], "Received: relu"),
    "normalised": (None, [conv(1), layers.BatchNormalization(), layers.Rescaling(9)], "Received: other numbers"),
    "reshaped logits": (None, [conv(1, None), layers.Reshape((16, 16, 1))], "Received: other numbers"),
    "softmax of one": (None, [conv(1, "softmax")], "must end in a sigmoid.*Received: softmax"),
    "sigmoids of three": (THREE, [conv(3)], "must end in a softmax"),
    "logits of three": (THREE, [conv(3, None)], "must end in a softmax.*Received: linear"),
    "half the size": (None, [layers.AveragePooling2D(2), conv()], r"Received: \(8, 8, 1\)"),
    "one answer": (None, [layers.Flatten(), layers.Dense(1, "sigmoid")], r"Received: \(1,\)"),
    "pixels": (TWO, [conv()], "for a classification of a, b"),
    "softmax number": (Regression("age"), [layers.Flatten(), layers.Dense(1, "softmax")], "must end in a linear"),
}


@pytest.mark.parametrize(("task", "parts", "message"), WRONG.values(), ids=WRONG)
def test_a_network_that_does_not_fit_the_recipe_is_refused(tiny_recipe, task, parts, message):
    with pytest.raises(ValueError, match=message):
        ZooModel.wrap(network(*parts), replace(tiny_recipe, task=task or tiny_recipe.task))


@pytest.mark.parametrize("shape", [(16, 16, 3), (32, 32, 1), (16, 16, 16, 1)])
def test_a_network_for_other_images_is_refused(tiny_recipe, shape):
    final = layers.Conv3D if len(shape) == 4 else layers.Conv2D
    with pytest.raises(ValueError, match="The input of .* must fit the preprocessing"):
        ZooModel.wrap(network(final(1, 1, activation="sigmoid"), shape=shape), tiny_recipe)


RIGHT = {
    "sigmoid": (None, [conv()]),
    "its own layer": (None, [conv(1, None), layers.Activation("sigmoid")]),
    "behind it a reshape": (None, [conv(), layers.Reshape((16, 16, 1))]),
    "an operation": (None, [conv(1, None), keras.ops.sigmoid]),
    "softmax": (THREE, [conv(3, "softmax")]),
    "its own softmax": (THREE, [conv(3, None), layers.Softmax()]),
    "a number": (Regression("age"), [layers.Flatten(), layers.Dense(1)]),
    "a bounded number": (Regression("age"), [layers.Flatten(), layers.Dense(1, "sigmoid")]),
}


@pytest.mark.parametrize(("task", "parts"), RIGHT.values(), ids=RIGHT)
def test_a_network_that_fits_is_wrapped(tiny_recipe, task, parts):
    recipe = replace(tiny_recipe, task=task or tiny_recipe.task)
    model = ZooModel.wrap(network(*parts), recipe)
    assert model.output_shape[-1] == recipe.task.outputs
    assert ZooModel.wrap(keras.Sequential([keras.Input((16, 16, 1)), model]), recipe).recipe is recipe


def test_a_network_for_images_of_any_size_is_wrapped(tiny_recipe):
    assert ZooModel.wrap(network(conv(), shape=(None, None, 1)), tiny_recipe).input_shape == (None, None, None, 1)


def test_what_is_no_network_of_one_input_and_output_is_refused(tiny_recipe):
    with pytest.raises(TypeError, match="must be a Keras model. Received: str"):
        ZooModel.wrap("net.keras", tiny_recipe)
    image = keras.Input((16, 16, 1))
    with pytest.raises(ValueError, match="with 1 and 2"):
        ZooModel.wrap(keras.Model(image, [conv()(image), conv()(image)]), tiny_recipe)
    with pytest.raises(ValueError, match="with 0 and 0"):
        ZooModel.wrap(keras.Sequential([conv()]), tiny_recipe)


def test_a_bare_keras_model_is_told_of_wrap(tmp_path):
    bare, image = network(conv()), np.zeros((16, 16), np.float32)
    calls = [
        lambda: medzoo.predict(bare, image),
        lambda: medzoo.predict(bare, [image]),
        lambda: medzoo.explain(bare, image),
        lambda: medzoo.save(bare, tmp_path / "entry"),
        lambda: medzoo.evaluate(bare, medzoo.data.from_arrays(np.stack([image] * 2), [0, 1])),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="Expected a medzoo model.*Received: keras Functional.*ZooModel.wrap"):
            call()
    assert not (tmp_path / "entry").exists()


@pytest.mark.parametrize("name", ["net.keras", "folder/NET.H5", "a/b/net.onnx", "weights.pt"])
def test_a_file_of_a_network_is_told_of_keras(name):
    with pytest.raises(ValueError, match="is a file of a network, not a zoo entry.*ZooModel.wrap"):
        medzoo.load(name)


@pytest.mark.parametrize("name", ["https://example.org/me/x", "ftp://huggingface.co/me/x", "https://huggingface.co/x"])
def test_another_address_is_named(name):
    with pytest.raises(ValueError, match="is no address of a model on the Hub. Expected https://huggingface.co/OWNER"):
        medzoo.load(name)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://huggingface.co/me/x", ("me/x", None)),
        ("https://hf.co/me/x/", ("me/x", None)),
        ("http:/huggingface.co/me/x", ("me/x", None)),
        ("hf://me/x", ("me/x", None)),
        ("https://huggingface.co/me/x/tree/v1", ("me/x", "v1")),
    ],
)
def test_an_address_of_the_hub_is_its_repository(address, asked, monkeypatch):
    monkeypatch.setattr("medzoo.zoo.find._on_hub", lambda repo, revision, *_, **__: (repo, revision))
    assert locate(address) == asked
