"""Checkpoints of other libraries become zoo entries that load like any other."""

import keras
import numpy as np
import pytest
from keras import layers

import medzoo
from medzoo import cli
from medzoo.models import build_encoder, classifier
from medzoo.zoo import convert
from tests.weights.states import resnet_state

SIZE = (8, 16, 16)


def state():
    """Tensors of a 3D ResNet-10 whose features stay near 1."""
    tensors = resnet_state(10, 3, channels=1)
    return {
        name: value / 50 if name.endswith("weight") and value.ndim == 5 else value for name, value in tensors.items()
    }


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    torch = pytest.importorskip("torch")
    path = tmp_path_factory.mktemp("checkpoint") / "resnet_10_23dataset.pth"
    tensors = {f"module.{name}": torch.from_numpy(np.asarray(value)) for name, value in state().items()}
    torch.save({"state_dict": tensors}, path)
    return path


@pytest.fixture(scope="module")
def entry(checkpoint):
    """What `medzoo convert medicalnet` writes, without the copy in ONNX, which takes long."""
    folder = checkpoint.parent / "my-resnet10"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)
        cli.main(["convert", "medicalnet", str(checkpoint), "-o", str(folder), "--size", *map(str, SIZE)])
    assert end.value.code == 0
    return folder


def first_kernel(model):
    return keras.ops.convert_to_numpy(model.get_layer("stem_conv").kernel)


def test_medicalnet_entry_loads_as_a_model_from_volumes_to_features(entry):
    model = medzoo.load(entry, verify=True)
    volume = np.random.default_rng(0).integers(0, 255, (10, 20, 20, 1), np.uint8)
    features = model.predict_on_batch(model.preprocessing(volume)[None])
    assert features.shape == (1, 512)
    assert np.isfinite(features).all()
    assert model.preprocessing.normalization == "standardize"


def test_medicalnet_entry_holds_the_numbers_of_the_checkpoint(entry):
    expected = state()["conv1.weight"].transpose(2, 3, 4, 1, 0)
    assert np.array_equal(first_kernel(medzoo.load(entry)), expected)


def test_medicalnet_entry_is_the_weights_of_another_network_without_torch(entry, monkeypatch):
    monkeypatch.setattr("medzoo.weights.torch_checkpoints.require", lambda *_: pytest.fail("torch was asked for"))
    network = classifier((16, 16, 16, 2), encoder="resnet10", weights=str(entry))
    expected = first_kernel(medzoo.load(entry))
    assert first_kernel(network) == pytest.approx(np.repeat(expected, 2, axis=-2) / 2)
    with pytest.raises(ValueError, match="resnet18"):
        build_encoder("resnet18", (16, 16, 16, 1), weights=str(entry))


def test_card_names_the_file_and_claims_no_training(entry, checkpoint):
    card = (entry / "README.md").read_text()
    assert "image-feature-extraction" in card
    assert checkpoint.name in card
    assert "not trained here" in card
    assert "## Training" not in card


def test_features_are_not_predicted_for_a_scan_and_not_trained_on_labels(entry, tmp_path):
    with pytest.raises(ValueError, match=r"model\.predict"):
        medzoo.predict(medzoo.load(entry), np.zeros((16, 16)))
    medzoo.data.synthetic.make_coco(tmp_path, 2, size=32)
    model = medzoo.load(entry)
    with pytest.raises(ValueError, match="`weights` of the recipe"):
        model.dataset(medzoo.data.from_coco(tmp_path / "_annotations.coco.json"))


def tiny_unet(outputs, activation):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="stem_conv")(inputs)
    return keras.Model(inputs, layers.Conv2D(outputs, 1, activation=activation, name="probabilities")(x))


@pytest.fixture
def unet(tmp_path, monkeypatch):
    """Function that converts a stand-in for what `read_segmentation_models` reads, and returns both networks."""

    def converted(outputs, activation, **arguments):
        network = tiny_unet(outputs, activation)
        monkeypatch.setattr(convert, "read_segmentation_models", lambda *_: network)
        (tmp_path / "unet.h5").write_bytes(b"weights")
        folder = convert.convert_segmentation_models(
            tmp_path / "unet.h5", "resnet18", tmp_path / "my-unet", size=(32, 32), **arguments
        )
        return network, medzoo.load(folder)

    return converted


def test_unet_entry_takes_pixels_as_the_old_library_did(unet):
    network, model = unet(1, "sigmoid", labels=("background", "tumor"))
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    probabilities = medzoo.predict(model, image).probabilities
    assert probabilities == pytest.approx(network.predict_on_batch(image[None].astype("float32"))[0], abs=1e-3)
    assert model.task.labels == ("background", "tumor")


def test_two_outputs_of_a_softmax_become_one_of_a_sigmoid(unet):
    network, model = unet(2, "softmax")
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    foreground = network.predict_on_batch(image[None].astype("float32"))[0, ..., 1:]
    assert medzoo.predict(model, image).probabilities == pytest.approx(foreground, abs=1e-3)


def test_labels_that_do_not_fit_are_refused(unet):
    with pytest.raises(ValueError, match=r"fit the 3 output\(s\)"):
        unet(3, "softmax", labels=("background", "tumor"))


def test_outputs_that_do_not_exclude_each_other_are_refused(unet):
    with pytest.raises(ValueError, match="softmax"):
        unet(3, "sigmoid")


def test_a_converted_network_cannot_be_trained_anew_from_its_recipe(unet, tmp_path):
    _, model = unet(1, "sigmoid")
    with pytest.raises(ValueError, match=r"medzoo\.load"):
        medzoo.ZooModel.from_recipe(model.recipe)
