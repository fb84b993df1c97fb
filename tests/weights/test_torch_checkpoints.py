"""Torch files are read safely; of their tensors every one is used once, every weight is set once, or nothing is."""

import logging
import os
import sys

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file
from states import resnet_state

from medzoo.models.encoders.resnet import resnet_encoder
from medzoo.weights import load_weights
from medzoo.weights.torch_checkpoints import depth_of, load_state, read_checkpoint

TENSORS = {"conv1.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bn1.num_batches_tracked": np.array(7)}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def torch_tensors(torch):
    return {name: torch.from_numpy(array) for name, array in TENSORS.items()}


def assert_are_the_tensors(read):
    assert read.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert np.array_equal(read[name], array)
        assert read[name].dtype == np.float32


def test_safetensors_are_read_without_torch(tmp_path):
    save_file(TENSORS, tmp_path / "model.safetensors")
    assert_are_the_tensors(read_checkpoint(tmp_path / "model.safetensors"))


def test_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a file of these: .pth, .pt, .safetensors. Received: .*model.bin"):
        read_checkpoint(tmp_path / "model.bin")


def test_half_precision_becomes_float32(tmp_path):
    save_file({"weight": np.ones(2, np.float16)}, tmp_path / "model.safetensors")
    assert read_checkpoint(tmp_path / "model.safetensors")["weight"].dtype == np.float32


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"\x10\0\0\0\0\0\0\0{}"])
def test_file_that_is_no_safetensors_is_named(tmp_path, content):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="model.safetensors is not read as a safetensors file"):
        read_checkpoint(path)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("suffix", [".pth", ".pt"])
@pytest.mark.parametrize("words", [(), ("state_dict",), ("model_state_dict",), ("model",), ("model", "state_dict")])
def test_torch_file_is_read_bare_or_wrapped_in_both_formats(torch, torch_tensors, tmp_path, words, suffix, legacy):
    content = torch_tensors
    for word in words:
        content = {"epoch": 9, word: content}
    path = (tmp_path / "model").with_suffix(suffix)
    # MedicalNet's files are of the format of torch before 1.6.
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    assert_are_the_tensors(read_checkpoint(path))


class Code:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_pickle_with_code_is_refused_and_not_run(torch, torch_tensors, tmp_path):
    torch.save({**torch_tensors, "extra": Code(tmp_path / "was_here")}, tmp_path / "model.pth")
    with pytest.raises(
        ValueError, match=r"model.pth is not read .* GLOBAL \S*mkdir.* a pickle can run code"
    ) as refused:
        read_checkpoint(tmp_path / "model.pth")
    assert "\n" not in str(refused.value)
    assert "weights_only" not in str(refused.value)
    assert not (tmp_path / "was_here").exists()


@pytest.mark.parametrize("content", [b"", b"hello world", b"<html>Not found</html>"])
def test_file_that_is_no_pth_is_named_in_one_line(torch, tmp_path, content):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"model.pth is not read as a torch checkpoint: .+\. Expected") as refused:
        read_checkpoint(path)
    assert "\n" not in str(refused.value)


def test_half_downloaded_pth_is_refused(torch, torch_tensors, tmp_path):
    torch.save(torch_tensors, tmp_path / "model.pth")
    content = (tmp_path / "model.pth").read_bytes()
    (tmp_path / "model.pth").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="model.pth is not read as a torch checkpoint"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_without_names_is_refused(torch, tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "model.pth")
    with pytest.raises(ValueError, match="expected tensors by name. Received: list"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_with_other_things_than_tensors_is_refused(torch, tmp_path):
    torch.save({"epoch": 3}, tmp_path / "model.pth")
    with pytest.raises(ValueError, match="expected a tensor as 'epoch'. Received: int"):
        read_checkpoint(tmp_path / "model.pth")


def test_pth_without_torch_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install \"medzoo\[convert\]\""):
        read_checkpoint(tmp_path / "model.pth")


def without(state, name):
    return {key: tensor for key, tensor in state.items() if key != name}


def test_every_weight_is_set(resnet10, state):
    for weight in resnet10.weights:
        weight.assign(np.full(weight.shape, np.nan))
    load_state(resnet10, "resnet10", state, "file")
    assert all(np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in resnet10.weights)


def test_tensors_lie_where_their_names_say(resnet10, state):
    load_state(resnet10, "resnet10", state, "file")

    def weights(layer):
        return [keras.ops.convert_to_numpy(weight) for weight in resnet10.get_layer(layer).weights]

    kernel = state["layer3.0.conv2.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(weights("stage_3_block_1_2_conv")[0], kernel)
    projection = state["layer2.0.downsample.0.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(weights("stage_2_block_1_shortcut_conv")[0], projection)
    for ours, name in zip(weights("stem_bn"), ("weight", "bias", "running_mean", "running_var"), strict=True):
        assert np.array_equal(ours, state[f"bn1.{name}"])


def test_prefix_and_classifiers_are_known(resnet10, state, numbers):
    load_state(resnet10, "resnet10", state, "file")
    expected = numbers(resnet10)
    extra = {"fc.weight": np.zeros((1000, 512)), "fc.bias": np.zeros(1000), "conv_seg.0.weight": np.zeros(3)}
    load_state(resnet10, "resnet10", {f"module.{name}": tensor for name, tensor in (state | extra).items()}, "file")
    for path, array in numbers(resnet10).items():
        assert np.array_equal(array, expected[path])


_STARTS = {"running_mean": np.zeros_like, "running_var": np.ones_like}
PREFIXES = ["module.module.", "_orig_mod.", "_orig_mod.module.", "encoder.", "backbone.", "model.encoder."]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_are_left_out_however_often_they_stand(prefix, resnet10, state):
    load_state(resnet10, "resnet10", {f"{prefix}{name}": tensor for name, tensor in state.items()}, "file")
    kernel = state["conv1.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(keras.ops.convert_to_numpy(resnet10.get_layer("stem_conv").kernel), kernel)


def test_encoder_is_taken_out_of_a_larger_network(resnet10, state):
    larger = {f"module.encoder.{name}": tensor for name, tensor in state.items()}
    load_state(resnet10, "resnet10", {**larger, "module.decoder.conv1.weight": np.zeros((1, 1))}, "file")
    kernel = state["conv1.weight"].transpose(2, 3, 1, 0)
    assert np.array_equal(keras.ops.convert_to_numpy(resnet10.get_layer("stem_conv").kernel), kernel)


REFUSED = {
    "missing": (
        lambda state: without(state, "layer4.0.bn2.running_var"),
        "file lacks the tensor 'layer4.0.bn2.running_var' that 'resnet10' needs",
    ),
    "first missing": (
        lambda state: {},
        "file lacks the tensor 'conv1.weight'.* is no checkpoint of a ResNet or MobileNetV2",
    ),
    "unexpected": (
        lambda state: {**state, "layer5.0.conv1.weight": np.zeros((1, 1))},
        "file has a tensor 'layer5.0.conv1.weight' that 'resnet10' has not",
    ),
    "wrong shape": (
        lambda state: {**state, "layer1.0.conv2.weight": np.zeros((64, 32, 3, 3))},
        r"'layer1.0.conv2.weight' of file .*expected \(3, 3, 64, 64\).*Received: \(3, 3, 32, 64\)",
    ),
    "wrong statistics": (
        lambda state: {**state, "bn1.running_mean": np.zeros(32)},
        r"'bn1.running_mean' of file .*expected \(64,\).*Received: \(32,\)",
    ),
    "other number of input channels": (
        lambda state: {**state, "conv1.weight": np.zeros((64, 2, 7, 7))},
        r"'conv1.weight' of file .*Received: \(7, 7, 2, 64\)",
    ),
    "not finite": (
        lambda state: {**state, "bn1.bias": np.full(64, np.nan, np.float32)},
        "'bn1.bias' of file holds NaN",
    ),
    "never trained": (
        lambda state: {key: _STARTS.get(key.rpartition(".")[2], lambda x: x)(tensor) for key, tensor in state.items()},
        "file was never trained: the running means",
    ),
    "twice": (
        lambda state: {**state, "module.conv1.weight": state["conv1.weight"]},
        "file has the tensor 'conv1.weight' twice",
    ),
    "deeper": (
        lambda state: resnet_state(18),
        "file has a tensor 'layer1.1.conv1.weight' that 'resnet10' has not. It is a checkpoint of depth 18, 2D",
    ),
    "3D": (lambda state: resnet_state(10, 3), r"'conv1.weight' of file .* It is a checkpoint of depth 10, 3D"),
    "shortcut A": (
        lambda state: resnet_state(shortcut="A"),
        "file lacks the tensor 'layer2.0.downsample.0.weight'.* depth 10, 2D, with shortcut 'A'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_checkpoint_names_the_tensor_and_changes_nothing(case, resnet10, state, numbers):
    change, message = REFUSED[case]
    before = numbers(resnet10)
    with pytest.raises(ValueError, match=message):
        load_state(resnet10, "resnet10", change(dict(state)), "file")
    for path, array in numbers(resnet10).items():
        assert np.array_equal(array, before[path])


def test_shallower_checkpoint_says_its_depth(state):
    encoder = resnet_encoder((None, None, 3), depth=18)
    with pytest.raises(ValueError, match="lacks the tensor 'layer1.1.conv1.weight' .*checkpoint of depth 10, 2D"):
        load_state(encoder, "resnet18", state, "file")


def test_encoder_of_another_family_is_refused(state):
    inputs = keras.Input((8, 8, 3))
    encoder = keras.Model(inputs, keras.layers.Conv2D(4, 3, name="stage_1_conv")(inputs))
    with pytest.raises(
        ValueError, match="fit encoders of the ResNet family and mobilenetv2. Received: 'plain' with .*'stage_1_conv'"
    ):
        load_state(encoder, "plain", state, "file")


@pytest.mark.parametrize("depth", [10, 18, 34])
def test_depth_is_read_off_the_names(depth):
    assert depth_of({f"module.{name}": tensor for name, tensor in resnet_state(depth).items()}) == depth


def test_checkpoint_of_another_network_has_no_depth(state):
    assert depth_of(without(state, "layer2.0.conv1.weight")) is None


@pytest.mark.parametrize(
    ("prefix", "dilated", "warns"), [("", True, True), ("", False, False), ("module.", True, False)], ids=str
)
def test_dilated_encoder_of_a_file_that_may_be_of_monai_is_warned_of(prefix, dilated, warns, tmp_path, caplog):
    state = resnet_state(dimensions=3, channels=1)
    save_file({f"{prefix}{name}": tensor for name, tensor in state.items()}, tmp_path / "monai.safetensors")
    encoder = resnet_encoder((None, None, None, 1), depth=10, dilated=dilated)
    with caplog.at_level(logging.WARNING, "medzoo"):
        load_weights(encoder, "resnet10", tmp_path / "monai.safetensors")
    assert ('set the encoder to {"name": "resnet10", "dilated": false}' in caplog.text) == warns
