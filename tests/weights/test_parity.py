"""Features with ported weights are those of the torch network that the weights come from."""

import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from medzoo.models.encoders import build_encoder
from medzoo.weights import load_weights
from medzoo.weights.torch_checkpoints import load_state

torch = pytest.importorskip("torch")

from torch_networks import BLOCKS, MobileNetV2, features_of, medicalnet, randomized, torchvision  # noqa: E402

TOLERANCE = 1e-4
# The deepest networks add nothing but more of the same blocks: they have their turn before a release, on small inputs.
DEEP = 101
SHAPES_3D = {10: (16, 24, 16), 18: (17, 25, 19), 34: (16, 16, 16), 50: (17, 16, 21), 101: (8, 8, 8)}


def stages_of(encoder):
    """Return a network that gives the output of the stem and of every stage."""
    names = [layer.name for layer in encoder.layers]
    last = [max(i for i, name in enumerate(names) if name.startswith(f"stage_{stage}_")) for stage in range(1, 5)]
    ends = [encoder.get_layer("stem_relu"), *(encoder.layers[index] for index in last)]
    return keras.Model(encoder.input, [end.output for end in ends])


def largest_difference(encoder, network, images, run):
    """Return the largest difference of a feature of any stage, relative to the largest feature of that stage."""
    differences = []
    for ours, theirs in zip(run(stages_of(encoder), images), features_of(network, images), strict=True):
        assert ours.shape == theirs.shape
        differences.append(np.abs(ours - theirs).max() / np.abs(theirs).max())
    return max(differences)


def state_of(network, prefix=""):
    return {prefix + name: tensor.numpy() for name, tensor in network.state_dict().items()}


def before_a_release(*values):
    return pytest.param(*values, marks=pytest.mark.release)


@pytest.mark.parametrize("depth", [depth if depth in (18, 50) else before_a_release(depth) for depth in BLOCKS])
def test_medicalnet_gives_the_features_of_its_torch_network(depth, run, images):
    network = randomized(medicalnet(depth))
    shape = SHAPES_3D.get(depth, (8, 8, 8))
    encoder = build_encoder(f"resnet{depth}", (*shape, 1))
    load_state(encoder, f"resnet{depth}", state_of(network, "module."), "checkpoint")
    assert largest_difference(encoder, network, images(2, *shape, 1), run) < TOLERANCE


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("resnet18", (64, 32)),
        ("resnet18", (33, 45)),
        ("resnet34", (33, 45)),
        ("resnet50", (45, 33)),
        before_a_release("resnet101", (32, 32)),
        ("resnext50", (33, 45)),
    ],
)
def test_torchvision_gives_the_features_of_its_torch_network(name, shape, run, images):
    network = randomized(torchvision(name))
    encoder = build_encoder(name, (*shape, 3))
    load_state(encoder, name, state_of(network), "checkpoint")
    assert largest_difference(encoder, network, images(2, *shape, 3), run) < TOLERANCE


def test_medicalnet_file_gives_the_features_of_its_torch_network(tmp_path, run, images):
    network = randomized(medicalnet(10))
    state = {f"module.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "resnet_10.pth")
    encoder = build_encoder("resnet10", (8, 16, 16, 1))
    load_weights(encoder, "resnet10", tmp_path / "resnet_10.pth")
    assert largest_difference(encoder, network, images(1, 8, 16, 16, 1), run) < TOLERANCE


def test_weights_of_the_dilated_form_serve_the_strided_one(run, images):
    network = randomized(medicalnet(10))
    encoder = build_encoder({"name": "resnet10", "dilated": False}, (32, 32, 32, 1))
    load_state(encoder, "resnet10", state_of(network), "checkpoint")
    ours, theirs = run(encoder, images(1, 32, 32, 32, 1)), features_of(network, images(1, 32, 32, 32, 1))
    assert np.abs(ours["stride_4"] - theirs[1]).max() / np.abs(theirs[1]).max() < TOLERANCE


@pytest.mark.parametrize(
    ("nested", "suffix", "shape"),
    [(True, ".pt", (64, 96)), (True, ".safetensors", (33, 45)), (False, ".pth", (33, 45))],
)
def test_mobilenet_file_gives_the_features_of_its_torch_network(nested, suffix, shape, tmp_path, run, images):
    network = randomized(MobileNetV2(nested=nested))
    path = tmp_path / f"mobilenet_v2{suffix}"
    if suffix == ".safetensors":
        save_file(state_of(network), path)
    else:
        torch.save(network.state_dict(), path)
    encoder = build_encoder({"name": "mobilenetv2", "form": "torch"}, (*shape, 3), path)
    pictures = images(2, *shape, 3)
    ours = run(encoder, pictures)
    for level, theirs in enumerate(features_of(network, pictures), start=1):
        assert np.abs(ours[f"stride_{2**level}"] - theirs).max() < TOLERANCE * np.abs(theirs).max()


def test_mobilenet_gives_for_one_channel_what_it_gives_for_grey(run, images):
    network = randomized(MobileNetV2())
    encoder = build_encoder({"name": "mobilenetv2", "form": "torch"}, (32, 32, 1))
    load_state(encoder, "mobilenetv2", state_of(network), "checkpoint")
    grey = images(1, 32, 32, 1)
    theirs = features_of(network, np.repeat(grey, 3, axis=-1))[-1]
    assert np.abs(run(encoder, grey)["stride_32"] - theirs).max() < TOLERANCE * np.abs(theirs).max()


def test_mobilenet_in_the_form_of_keras_refuses_torch_with_the_form_that_fits():
    encoder = build_encoder("mobilenetv2", (32, 32, 3))
    with pytest.raises(
        ValueError, match='torch checkpoint, .* Set the encoder to {"name": "mobilenetv2", "form": "torch"}'
    ):
        load_state(encoder, "mobilenetv2", state_of(MobileNetV2()), "file")
