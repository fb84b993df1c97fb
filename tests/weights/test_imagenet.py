"""Weights of `keras.applications` and what they expect, against Keras's own preprocessing."""

import itertools
import re

import h5py
import keras
import numpy as np
import pytest

from medzoo.errors import IntegrityError
from medzoo.models.encoders import build_encoder
from medzoo.weights import load_weights, preprocessing_for
from medzoo.weights.imagenet import APPLICATIONS, load

SIZE = (32, 32)
# The application and the layer that its features are compared at.
LAST_LAYERS = {"vgg16": "block5_conv3", "mobilenetv2": "out_relu", "efficientnetv2b0": "top_activation"}


def trained(name, include_top=False, size=None):
    """Return a network of `keras.applications` whose statistics are random numbers."""
    build = getattr(keras.applications, APPLICATIONS[name].builder)
    random = np.random.default_rng(0)
    source = build(include_top=include_top, weights=None, input_shape=(size, size, 3), **_plain(name))
    for layer in source.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return source


@pytest.fixture
def application(request, monkeypatch):
    """A network of `keras.applications` whose published weights are random numbers."""
    name = APPLICATIONS[request.param].builder
    source = trained(request.param)

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
        load(keras.Sequential(), "mobilenetv2")


def test_damaged_file_of_keras_is_not_taken_for_no_network(monkeypatch):
    def damaged(**arguments):
        raise ValueError("Incomplete or corrupted file detected.")

    monkeypatch.setattr(keras.applications, "MobileNetV2", damaged)
    with pytest.raises(ValueError, match="corrupted file"):
        load(keras.Sequential(), "mobilenetv2")


KERNELS = {"mobilenetv2": "Conv1", "efficientnetv2b0": "stem_conv"}


def _all_kinds_of_files():
    """Yield each encoder, with and without classifier, in both formats; most of the slow one before a release only."""
    for name, include_top, suffix in itertools.product(KERNELS, (False, True), (".weights.h5", ".h5")):
        is_slow = name.startswith("efficientnet") and (include_top or suffix == ".h5")
        yield pytest.param(name, include_top, suffix, marks=[pytest.mark.release] if is_slow else [])


@pytest.mark.parametrize(("name", "include_top", "suffix"), _all_kinds_of_files())
def test_file_of_keras_is_loaded(name, include_top, suffix, tmp_path):
    source = trained(name, include_top, 224)
    path = tmp_path / f"network{suffix}"
    if suffix == ".h5":
        write_legacy(source, path)
    else:
        source.save_weights(path)
    encoder = build_encoder(name, (*SIZE, 3), path)
    for layer in source.layers:
        if layer.weights and layer.name != "predictions":
            ours = next(own for own in encoder.layers if re.fullmatch(rf"(stem|stage_\d+)_{layer.name}", own.name))
            for own, theirs in zip(ours.get_weights(), layer.get_weights(), strict=True):
                assert np.array_equal(own, theirs)


def write_legacy(network, path):
    """Write the `.h5` that Keras 2 wrote and that Keras publishes its weights in."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.4.0"
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, array in zip(names, layer.get_weights(), strict=True):
                group[name] = array


def test_file_of_keras_of_another_network_is_refused(tmp_path):
    trained("mobilenetv2").save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(
        ValueError, match="m.weights.h5 does not hold the weights of keras.applications.EfficientNetV2B0"
    ):
        build_encoder("efficientnetv2b0", (*SIZE, 3), tmp_path / "m.weights.h5")


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_file_of_keras_of_another_width_names_the_layer_and_the_shapes(suffix, tmp_path):
    path = tmp_path / f"half{suffix}"
    source = keras.applications.MobileNetV2(include_top=False, weights=None, alpha=0.5, input_shape=(32, 32, 3))
    write_legacy(source, path) if suffix == ".h5" else source.save_weights(path)
    with pytest.raises(ValueError, match=rf"half{suffix} .*Conv1.*\(3, 3, 3, 32\).*Take the file"):
        build_encoder("mobilenetv2", (*SIZE, 3), path)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_file_of_keras_that_was_never_trained_is_refused(suffix, tmp_path):
    path = tmp_path / f"m{suffix}"
    source = keras.applications.MobileNetV2(include_top=False, weights=None)
    write_legacy(source, path) if suffix == ".h5" else source.save_weights(path)
    with pytest.raises(ValueError, match=f"m{suffix} was never trained"):
        build_encoder("mobilenetv2", (*SIZE, 3), path)


def test_file_that_is_no_file_of_keras_is_named(tmp_path):
    (tmp_path / "m.h5").write_text("<html>Not found</html>")
    with pytest.raises(IntegrityError, match="m.h5 is no HDF5 file"):
        build_encoder("mobilenetv2", (*SIZE, 3), tmp_path / "m.h5")


@pytest.mark.parametrize("weights", ["imagenet", "m.weights.h5"])
def test_mobilenet_in_the_form_of_torch_refuses_keras_with_the_form_that_fits(weights, tmp_path):
    encoder = build_encoder({"name": "mobilenetv2", "form": "torch"}, (*SIZE, 3))
    (tmp_path / "m.weights.h5").touch()
    path = weights if weights == "imagenet" else tmp_path / weights
    with pytest.raises(ValueError, match='Set the encoder to {"name": "mobilenetv2", "form": "keras"}'):
        load_weights(encoder, "mobilenetv2", path)
