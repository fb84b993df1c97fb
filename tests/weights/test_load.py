"""`load_weights` by word, by file and by folder, and what comes with the words."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file
from states import resnet_state

from medzoo import weights
from medzoo.entry import read as entries
from medzoo.errors import IntegrityError
from medzoo.models.encoders import ENCODERS, build_encoder
from medzoo.weights import PUBLISHED, available, imagenet, load_weights, medicalnet, preprocessing_for


@pytest.fixture(scope="module")
def checkpoint(state, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "model.safetensors"
    save_file(state, path)
    return path


def kernel(encoder, layer="stem_conv"):
    return keras.ops.convert_to_numpy(encoder.get_layer(layer).kernel)


def test_safetensors_file_is_loaded(resnet10, state, checkpoint):
    load_weights(resnet10, "resnet10", str(checkpoint))
    assert np.array_equal(kernel(resnet10), state["conv1.weight"].transpose(2, 3, 1, 0))


def test_imagenet_takes_the_pinned_file(monkeypatch, checkpoint, resnet10, state):
    pins = []
    monkeypatch.setattr(imagenet, "PINS", {"resnet10": imagenet.PINS["resnet18"]})
    monkeypatch.setattr(imagenet, "fetch", lambda *pin: pins.append(pin) or checkpoint)
    load_weights(resnet10, "resnet10", "imagenet")
    assert pins == [imagenet.PINS["resnet10"]]
    assert np.array_equal(kernel(resnet10), state["conv1.weight"].transpose(2, 3, 1, 0))


def test_medicalnet_takes_the_pinned_file_and_needs_torch_once(monkeypatch, tmp_path, home):
    torch = pytest.importorskip("torch")
    state = resnet_state(dimensions=3, channels=1)
    path = tmp_path / "resnet_10.pth"
    torch.save({"state_dict": {f"module.{name}": torch.from_numpy(array) for name, array in state.items()}}, path)
    monkeypatch.setattr(medicalnet, "fetch", lambda *pin: path)
    encoder = build_encoder("resnet10", (None, None, None, 1), "medicalnet")
    path.unlink()
    load_weights(encoder, "resnet10", "medicalnet")
    assert np.array_equal(kernel(encoder), state["conv1.weight"].transpose(2, 3, 4, 1, 0))


def test_unknown_word_lists_what_there_is(resnet10):
    with pytest.raises(ValueError, match="Unknown weights 'imagnet'. Did you mean 'imagenet'"):
        load_weights(resnet10, "resnet18", "imagnet")


@pytest.mark.parametrize(
    ("name", "shape", "word", "message"),
    [
        (
            "resnet18",
            (None, None, 1),
            "medicalnet",
            "2D encoder 'resnet18'. They exist for: 3D resnet10.*'imagenet' .2D",
        ),
        ("resnet18", (None, None, None, 1), "imagenet", "3D encoder 'resnet18'. They exist for: 2D resnet18"),
        ("residual", (None, None, 1), "imagenet", "2D encoder 'residual'.*For 'residual' there are: none"),
    ],
)
def test_weights_that_do_not_exist_are_refused_with_those_that_do(name, shape, word, message):
    with pytest.raises(ValueError, match=f"There are no weights '{word}' for the {message}"):
        inputs = keras.Input(shape)
        load_weights(keras.Model(inputs, keras.layers.ReLU()(inputs)), name, word)


@pytest.mark.parametrize("path", ["gone.safetensors", "some/folder"])
def test_path_that_does_not_exist_is_named(resnet10, path):
    with pytest.raises(FileNotFoundError, match=f"no file or folder {path}"):
        load_weights(resnet10, "resnet10", path)


def test_file_of_another_kind_is_refused(resnet10, tmp_path):
    (tmp_path / "model.bin").touch()
    message = r"Expected a file of these: .pth, .pt, .safetensors, .h5, or the folder .*Received: .*model.bin"
    with pytest.raises(ValueError, match=message):
        load_weights(resnet10, "resnet10", tmp_path / "model.bin")


def test_file_of_keras_for_an_encoder_that_keras_lacks_is_refused(resnet10, tmp_path):
    (tmp_path / "model.h5").touch()
    with pytest.raises(ValueError, match="fits the encoders of keras.applications: vgg16, .* Received: 'resnet10'"):
        load_weights(resnet10, "resnet10", tmp_path / "model.h5")


@pytest.fixture
def entry_encoder(tiny_recipe):
    """Function that returns the encoder of the tiny zoo entry for a number of channels, with fresh weights."""
    encoder = tiny_recipe.builder["encoder"]
    return lambda channels=1, **arguments: build_encoder({**encoder, **arguments}, (None, None, channels))


def test_encoder_of_a_zoo_entry_is_loaded_by_layer_name(tiny_entry, entry_encoder, numbers):
    encoder = entry_encoder()
    load_weights(encoder, "plain", tiny_entry)
    source = numbers(keras.saving.load_model(tiny_entry, compile=False))
    for path, array in numbers(encoder).items():
        assert np.array_equal(array, source[path])


def test_encoder_of_a_zoo_entry_is_found_by_name(tiny_entry, tiny_recipe, entry_encoder, numbers, monkeypatch):
    monkeypatch.setattr(entries, "ZOO_FOLDERS", (tiny_entry.parent,))
    encoders = [entry_encoder(), entry_encoder()]
    for encoder, name in zip(encoders, (tiny_entry, tiny_entry.name), strict=True):
        load_weights(encoder, "plain", name)
    by_path, by_name = map(numbers, encoders)
    assert all(np.array_equal(by_path[key], by_name[key]) for key in by_path)
    assert (
        preprocessing_for("plain", tiny_entry.name, (16, 16)).normalization == tiny_recipe.preprocessing.normalization
    )
    with pytest.raises(ValueError, match=f"Did you mean '{tiny_entry.name}'"):
        load_weights(encoders[0], "plain", f"{tiny_entry.name}t")


def test_encoder_of_a_zoo_entry_serves_other_channels(tiny_entry, entry_encoder, numbers):
    encoder = entry_encoder(3)
    load_weights(encoder, "plain", tiny_entry)
    source = numbers(keras.saving.load_model(tiny_entry, compile=False))
    for path, array in numbers(encoder).items():
        assert array.sum(-2) == pytest.approx(source[path].sum(-2)) if array.ndim == 4 else True


def test_zoo_entry_of_another_encoder_is_refused(tiny_entry, entry_encoder):
    encoder = entry_encoder(filters=[8, 16])
    with pytest.raises(ValueError, match="tiny-unet lacks the tensor 'stage_2_.*Is its encoder a 'plain'"):
        load_weights(encoder, "plain", tiny_entry)


def test_changed_zoo_entry_is_refused(tiny_entry, entry_encoder):
    with (tiny_entry / "model.weights.h5").open("ab") as file:
        file.write(b"!")
    with pytest.raises(IntegrityError, match="model.weights.h5 was changed"):
        load_weights(entry_encoder(), "plain", tiny_entry)


def test_zoo_entry_of_the_other_form_of_mobilenet_is_refused_with_its_own(monkeypatch, tmp_path):
    source = build_encoder({"name": "mobilenetv2", "form": "torch"}, (32, 32, 1))
    monkeypatch.setattr(weights, "read_safely", lambda folder, engine: SimpleNamespace(folder=folder))
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: source)
    with pytest.raises(
        ValueError, match='padding of torch. Set the encoder to {"name": "mobilenetv2", "form": "torch"}'
    ):
        load_weights(build_encoder("mobilenetv2", (32, 32, 1)), "mobilenetv2", tmp_path)


def test_folder_that_is_no_zoo_entry_is_refused(resnet10, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a zoo entry"):
        load_weights(resnet10, "resnet10", tmp_path)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_encoder_has_weights_in_its_own_dimensions_only(name):
    for dimensions in (2, 3):
        assert not available(name, dimensions) or dimensions in ENCODERS[name].dimensions


def test_weights_exist_for_known_encoders_only():
    for source in PUBLISHED.values():
        assert {*source.names(2), *source.names(3)} <= ENCODERS.keys()


def test_every_pin_is_a_commit_or_a_hash():
    for pin in (*imagenet.PINS.values(), *medicalnet.PINS.values()):
        assert len(pin.revision) == 40 or len(pin.sha256) == 64


@pytest.mark.parametrize("name", medicalnet.PINS)
def test_medicalnet_comes_with_its_preprocessing(name):
    preprocessing = preprocessing_for(name, "medicalnet", (8, 16, 16), 2)
    assert preprocessing.input_shape == (8, 16, 16, 2)
    assert preprocessing.normalization == "standardize"


def test_checkpoint_by_path_has_the_preprocessing_of_the_published_one():
    assert preprocessing_for("resnet18", "model.safetensors", (16, 16), 3) == preprocessing_for(
        "resnet18", "imagenet", (16, 16), 3
    )
    assert preprocessing_for("resnet18", "resnet_18.pth", (8, 8, 8)) == preprocessing_for(
        "resnet18", "medicalnet", (8, 8, 8)
    )


def test_mobilenet_has_the_preprocessing_of_the_library_that_trained_it():
    by_path = {path: preprocessing_for("mobilenetv2", path, (32, 32), 3) for path in ("m.pt", "m.weights.h5")}
    assert by_path["m.pt"] == preprocessing_for("resnet18", "imagenet", (32, 32), 3)
    assert by_path["m.weights.h5"] == preprocessing_for("mobilenetv2", "imagenet", (32, 32), 3)


def test_zoo_entry_has_its_own_preprocessing(tiny_entry, tiny_recipe):
    preprocessing = preprocessing_for("residual", tiny_entry, (32, 48), 3)
    assert preprocessing.input_shape == (32, 48, 3)
    assert preprocessing.normalization == tiny_recipe.preprocessing.normalization


def test_preprocessing_of_weights_that_do_not_exist_is_refused():
    with pytest.raises(ValueError, match="no weights 'medicalnet' for the 2D encoder"):
        preprocessing_for("resnet18", "medicalnet", (16, 16))
