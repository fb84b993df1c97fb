"""Weights of `keras.applications` and what they expect, against Keras's own preprocessing."""

import keras
import numpy as np
import pytest

from medzoo.models.encoders import build_encoder
from medzoo.weights import preprocessing_for
from medzoo.weights.imagenet import APPLICATIONS, load

SIZE = (32, 32)
# The application and the layer that its features are compared at.
LAST_LAYERS = {"vgg16": "block5_conv3", "mobilenetv2": "out_relu", "efficientnetv2b0": "top_activation"}


@pytest.fixture
def application(request, monkeypatch):
    """A network of `keras.applications` whose published weights are random numbers."""
    name = APPLICATIONS[request.param].builder
    build = getattr(keras.applications, name)
    random = np.random.default_rng(0)
    source = build(include_top=False, weights=None, input_shape=(None, None, 3), **_plain(request.param))
    for layer in source.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])

    def published(include_top, weights, input_shape, **options):
        assert (include_top, weights, options) == (False, "imagenet", _plain(request.param))
        return source

    monkeypatch.setattr(keras.applications, name, published)
    return request.param, source


def _plain(name):
    return {"include_preprocessing": False} if "efficientnet" in name else {}


def own_preprocessing(name, pictures):
    if name.startswith("vgg"):
        return keras.applications.vgg16.preprocess_input(pictures)
    if name.startswith("mobilenet"):
        return keras.applications.mobilenet_v2.preprocess_input(pictures)
    # Layers inside Keras's network: Rescaling and Normalization, or Rescaling(1 / 128, offset=-1).
    if name[-2] == "b":
        return (pictures / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return pictures / 128 - 1


@pytest.mark.parametrize("application", LAST_LAYERS, indirect=True)
def test_features_of_a_picture_are_those_of_keras(application, run):
    name, source = application
    encoder = build_encoder(name, (*SIZE, 3), "imagenet")
    last = next(layer for layer in encoder.layers if layer.name.endswith(LAST_LAYERS[name]))
    pictures = np.random.default_rng(1).integers(256, size=(2, *SIZE, 3)).astype(np.uint8)
    preprocessing = preprocessing_for(name, "imagenet", SIZE, 3)
    ours = run(keras.Model(encoder.input, last.output), np.stack([preprocessing(picture) for picture in pictures]))
    inputs = own_preprocessing(name, pictures.astype(np.float32)).astype(np.float32)
    theirs = run(keras.Model(source.input, source.get_layer(LAST_LAYERS[name]).output), inputs)
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize("application", ["mobilenetv2"], indirect=True)
def test_application_serves_other_channels(application):
    name, source = application
    encoder = build_encoder(name, (*SIZE, 4), "imagenet")
    kernel = keras.ops.convert_to_numpy(encoder.get_layer("stem_Conv1").kernel)
    assert kernel.sum(2) == pytest.approx(source.get_layer("Conv1").get_weights()[0].sum(2), abs=1e-6)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_preprocessing_is_keras_own(name):
    picture = np.random.default_rng(0).integers(256, size=(*SIZE, 3)).astype(np.uint8)
    expected = own_preprocessing(name, picture.astype(np.float32))
    if name.startswith("vgg"):
        # Keras turns RGB to BGR; here the first kernel is turned instead.
        expected = expected[..., ::-1]
    assert preprocessing_for(name, "imagenet", SIZE, 3)(picture) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", ["resnet50", "resnext50"])
def test_preprocessing_of_the_resnets_is_that_of_torchvision(name):
    picture = np.random.default_rng(0).integers(256, size=(*SIZE, 3)).astype(np.uint8)
    expected = (picture / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert preprocessing_for(name, "imagenet", SIZE, 3)(picture) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_preprocessing_takes_any_number_of_channels(channels):
    assert preprocessing_for("resnet18", "imagenet", SIZE, channels).input_shape == (*SIZE, channels)


def test_no_network_says_what_to_fetch_and_where_to_put_it(monkeypatch):
    def offline(**arguments):
        raise Exception("URL fetch failure on https://storage.example/weights.h5: None -- no network")

    monkeypatch.setattr(keras.applications, "MobileNetV2", offline)
    with pytest.raises(FileNotFoundError, match=r"https://storage.example/weights.h5.*folder models/ of KERAS_HOME"):
        load(None, "mobilenetv2")


def test_damaged_file_of_keras_is_not_taken_for_no_network(monkeypatch):
    def damaged(**arguments):
        raise ValueError("Incomplete or corrupted file detected.")

    monkeypatch.setattr(keras.applications, "MobileNetV2", damaged)
    with pytest.raises(ValueError, match="corrupted file"):
        load(None, "mobilenetv2")
