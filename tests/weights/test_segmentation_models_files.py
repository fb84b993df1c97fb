"""Files of segmentation_models, good and bad, without the old library: it is replaced by a description."""

import json
from importlib.machinery import ModuleSpec

import h5py
import keras
import numpy as np
import pytest

from medzoo.weights import segmentation_models as converter
from medzoo.weights.segmentation_models import network as legacy
from medzoo.weights.segmentation_models import (
    read_checkpoint,
    read_segmentation_models,
    segmentation_models_preprocessing,
)

# A network of two slices, two convolutions, a last one and its activation.
KERNELS = [np.full((1, 1, 2, 2), value, "float32") for value in (1, 2)]
TENSORS = [
    ("conv2d_7", {"kernel": KERNELS[0]}),
    ("conv2d_8", {"kernel": KERNELS[1]}),
    ("final_conv", {"kernel": np.eye(4, dtype="float32")[None, None], "bias": np.zeros(4, "float32")}),
]
CONVOLUTION = {"kernel_size": [1, 1], "strides": [1, 1], "padding": "valid", "activation": "linear", "groups": 1}


def row(name, kind, inputs=(), weights=(), **config):
    return {"name": name, "kind": kind, "inputs": list(inputs), "weights": list(weights), "config": config}


def convolution(name, before, filters, *weights):
    use_bias = len(weights) > 1
    return row(name, "Conv2D", [before], weights, **CONVOLUTION, filters=filters, use_bias=use_bias)


ROWS = [
    row("data", "InputLayer", batch_input_shape=[None, None, None, 4]),
    row("lambda", "Lambda", ["data"]),
    row("lambda_1", "Lambda", ["data"]),
    convolution("conv2d", "lambda", 2, ["kernel", [1, 1, 2, 2]]),
    convolution("conv2d_1", "lambda_1", 2, ["kernel", [1, 1, 2, 2]]),
    row("concatenate", "Concatenate", ["conv2d", "conv2d_1"]),
    convolution("final_conv", "concatenate", 4, ["kernel", [1, 1, 4, 4]], ["bias", [4]]),
    row("sigmoid", "Activation", ["final_conv"], activation="sigmoid"),
]


def names_of(values):
    return np.array(values, "S32")


def write(path, tensors=TENSORS, activation="linear", config=None):
    """Write a file as Keras 2 does."""
    with h5py.File(path, "w") as file:
        root = file
        if config:
            file.attrs["model_config"] = json.dumps(config)
            root = file.create_group("model_weights")
        root.attrs["layer_names"] = names_of([*(name for name, _ in tensors), activation])
        for layer, weights in [*tensors, (activation, {})]:
            group = root.create_group(layer)
            group.attrs["weight_names"] = names_of([f"{layer}/{name}:0" for name in weights])
            for name, array in weights.items():
                group[f"{layer}/{name}:0"] = array
    return path


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(converter, "legacy_layers", lambda arguments: ROWS)
    return tmp_path / "unet.h5"


def test_groups_meet_in_one_kernel(path):
    model = read_segmentation_models(write(path), "resnext50")
    image = np.array([1, 2, 10, 20], "float32").reshape(1, 1, 1, 4)
    assert keras.ops.convert_to_numpy(model(image)).ravel().tolist() == [3, 3, 60, 60]


def test_a_converted_model_is_saved_and_loaded(path, tmp_path):
    read_segmentation_models(write(path), "resnext50").save(tmp_path / "unet.keras")
    model = keras.saving.load_model(tmp_path / "unet.keras")
    assert np.array_equal(model.get_layer("stage_4_grouped_conv").kernel, np.concatenate(KERNELS, axis=-1))


def test_a_given_activation_takes_the_place_of_the_file_s(path):
    model = read_segmentation_models(write(path, activation="linear"), "resnext50", activation="softmax")
    assert model.get_layer("probabilities").activation is keras.activations.softmax


def test_an_unknown_last_layer_is_refused(path):
    with pytest.raises(ValueError, match="Unknown activation as the last layer 'sigmoyd'. Did you mean 'sigmoid'"):
        read_segmentation_models(write(path, activation="sigmoyd"), "resnext50")


def test_a_missing_tensor_is_refused_by_name(path):
    tensors = [*TENSORS[:2], ("final_conv", {"kernel": TENSORS[2][1]["kernel"]})]
    with pytest.raises(ValueError, match=r"expected 'final_conv/bias' of shape \(4,\). Received: no further tensor"):
        read_segmentation_models(write(path, tensors), "resnext50")


def test_an_extra_tensor_is_refused_by_name(path):
    tensors = [*TENSORS, ("late", {"kernel": np.zeros(3)})]
    with pytest.raises(ValueError, match=r"expected no further tensor. Received: 'late/kernel' of shape \(3,\)"):
        read_segmentation_models(write(path, tensors), "resnext50")


def test_another_shape_is_refused_by_name_and_shapes(path):
    tensors = [TENSORS[0], ("conv2d_8", {"kernel": np.zeros((3, 3, 2, 2))}), TENSORS[2]]
    with pytest.raises(ValueError, match=r"'conv2d_1/kernel' of shape \(1, .*'conv2d_8/kernel' of shape \(3, 3, 2, 2"):
        read_segmentation_models(write(path, tensors), "resnext50")


SKIP = {"name": "decoder_stage0_concat", "inbound_nodes": [[["up", 0, 0, {}], ["relu0", 0, 0, {}]]]}
WHOLE = {"config": {"layers": [SKIP]}}


def refuse_skips(arguments):
    if "relu0" in arguments["encoder_features"]:
        raise ValueError("No such layer: relu0.")
    return ROWS


def test_a_whole_model_over_another_backbone_is_refused_by_its_first_tensor(path, monkeypatch):
    monkeypatch.setattr(converter, "legacy_layers", refuse_skips)
    with pytest.raises(ValueError, match="expected 'conv2d/kernel' .* Received: 'final_conv/kernel'"):
        read_segmentation_models(write(path, TENSORS[2:], config=WHOLE), "resnext50")


def test_skips_that_only_the_file_knows_are_refused_with_the_reason(path, monkeypatch):
    monkeypatch.setattr(converter, "legacy_layers", refuse_skips)
    with pytest.raises(ValueError, match="No such layer: relu0"):
        read_segmentation_models(write(path, config=WHOLE), "resnext50")


@pytest.mark.parametrize(("tensors", "received"), [(TENSORS[:2], "conv2d_7, conv2d_8"), ([], "none")])
def test_another_network_is_refused(path, tensors, received):
    with pytest.raises(ValueError, match=f"which has 'final_conv/kernel'. Received layers with weights: {received}"):
        read_segmentation_models(write(path, tensors), "resnext50")


def test_skips_are_those_of_the_whole_model(path):
    checkpoint = read_checkpoint(write(path, config=WHOLE))
    assert checkpoint.arguments["encoder_features"] == ("relu0",)


def test_a_list_of_names_in_pieces_is_read_whole(path):
    with h5py.File(write(path), "r+") as file:
        names = file.attrs["layer_names"]
        del file.attrs["layer_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = names[:2], names[2:]
    assert read_checkpoint(path).names == ("conv2d_7", "conv2d_8", "final_conv", "linear")


def test_a_link_to_another_file_is_refused(path, tmp_path):
    write(tmp_path / "secret.h5")
    with h5py.File(write(path), "r+") as file:
        del file["conv2d_7"]
        file["conv2d_7"] = h5py.ExternalLink("secret.h5", "conv2d_7")
    with pytest.raises(ValueError, match="lies in another file"):
        read_checkpoint(path)


def test_a_file_that_is_no_hdf5_is_refused(path):
    path.write_bytes(b"PK")
    with pytest.raises(ValueError, match=r"unet.h5: expected an HDF5 file that Keras 2 wrote"):
        read_segmentation_models(path, "resnet18")


def test_the_newer_format_of_keras_is_refused(path):
    with h5py.File(path, "w") as file:
        file["layers/conv2d/vars/0"] = KERNELS[0]
    with pytest.raises(ValueError, match="a name ending in .weights.h5 gives another format"):
        read_segmentation_models(path, "resnet18")


def test_a_missing_file_is_named(path):
    with pytest.raises(FileNotFoundError, match=r"unet.h5: expected the \.h5 file"):
        read_segmentation_models(path, "resnet18")


def test_an_unknown_backbone_is_refused_with_near_matches(path):
    with pytest.raises(ValueError, match="Unknown backbone 'resnext5'. Did you mean 'resnext50'"):
        read_segmentation_models(path, "resnext5")


def test_a_missing_extra_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(legacy, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "medzoo\[legacy\]"'):
        legacy.legacy_layers({"backbone_name": "resnet18"})


def test_the_reason_of_the_old_library_is_passed_on(monkeypatch, tmp_path):
    (tmp_path / "describe.py").write_text("raise ValueError('No such layer: nowhere.')")
    monkeypatch.setattr(legacy, "_SCRIPT", tmp_path / "describe.py")
    monkeypatch.setattr(legacy, "find_spec", lambda name: ModuleSpec(name, None))
    with pytest.raises(ValueError, match=r"does not build Unet\(.*'resnet18'.* It says: ValueError: No such layer"):
        legacy.legacy_layers({"backbone_name": "resnet18"})


def test_normalisation_of_other_channels_is_the_user_s(path):
    with pytest.raises(ValueError, match=r"3 channels for 'vgg16'. Received: channels=1"):
        segmentation_models_preprocessing("vgg16", 1)


def test_raw_pixels_are_raw_in_any_number_of_channels():
    assert segmentation_models_preprocessing("resnet34", 2) == {"mean": (0.0, 0.0), "std": (1 / 255, 1 / 255)}
