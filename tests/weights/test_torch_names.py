"""Every tensor of a checkpoint is used once, every weight is set once, or nothing is."""

import keras
import numpy as np
import pytest
from states import resnet_state

from medzoo.models.encoders.resnet import resnet_encoder
from medzoo.weights.torch_names import depth_of, load_state


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
