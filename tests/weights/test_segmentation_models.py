"""Parity with segmentation_models 1.0.1, where `medzoo[legacy]` is installed."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

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

# The old library, which does not change any more, takes a minute to install and its networks another to be built.
pytestmark = pytest.mark.release

# Small decoders; between them every argument of the old Unet that a file can tell.
SMALL = {"input_shape": [None, None, 3], "decoder_filters": [16, 8, 8, 8, 8]}
CASES = {
    "resnet18": SMALL | {"classes": 1, "activation": "sigmoid", "input_shape": [None, None, 1]},
    "resnet34": SMALL | {"classes": 3, "activation": "softmax", "decoder_block_type": "transpose"},
    "resnet50": SMALL | {"classes": 2, "activation": "sigmoid", "decoder_use_batchnorm": False},
    "resnext50": SMALL | {"classes": 4, "activation": "softmax", "input_shape": [None, None, 4]},
    "vgg16": SMALL | {"classes": 1, "activation": "sigmoid", "decoder_filters": [16, 8, 8]},
    "vgg19": SMALL
    | {"classes": 1, "activation": "tanh", "decoder_block_type": "transpose", "decoder_use_batchnorm": False},
    "efficientnetb0": SMALL | {"classes": 2, "activation": "softmax"},
}
each_backbone = pytest.mark.parametrize("backbone", CASES)


@pytest.fixture(scope="module")
def unets():
    """A folder with the files, outputs and layers of a Unet over each backbone, all from one process of Keras 2."""
    for package in ("segmentation_models", "tf_keras"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed: it comes with medzoo[legacy]")
    script = Path(__file__).with_name("legacy_unets.py")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-P", script, folder, Path(legacy.__file__).with_name("describe.py")],
            input=json.dumps(CASES),
            env=os.environ | legacy._ENVIRONMENT,
            text=True,
            check=True,
        )
        yield Path(folder)


@pytest.fixture
def recorded(unets, monkeypatch):
    """The layers that the old library described in that process, so that no test starts another one."""
    asked = []

    def layers(arguments):
        asked.append(arguments)
        return json.loads((unets / f"{arguments['backbone_name']}.json").read_text())

    monkeypatch.setattr(converter, "legacy_layers", layers)
    return asked


def answer(model, pixels, backbone):
    fields = segmentation_models_preprocessing(backbone, pixels.shape[-1])
    inputs = (pixels / 255 - np.asarray(fields["mean"])) / np.asarray(fields["std"])
    return keras.ops.convert_to_numpy(model(inputs.astype("float32"), training=False))


@each_backbone
@pytest.mark.parametrize("kind", ["weights", "whole"])
def test_output_is_that_of_the_old_library(unets, recorded, backbone, kind):
    model = read_segmentation_models(unets / f"{backbone}_{kind}.h5", backbone)
    reference = np.load(unets / f"{backbone}.npz")
    difference = np.abs(answer(model, reference["pixels"], backbone) - reference["outputs"]).max()
    print(f"{backbone} {kind}: {difference:.1e}")
    assert reference["outputs"].std() > 0.1
    assert difference < 1e-4


@each_backbone
@pytest.mark.parametrize("kind", ["weights", "whole"])
def test_arguments_are_read_off_the_file(unets, backbone, kind):
    checkpoint = read_checkpoint(unets / f"{backbone}_{kind}.h5")
    read = json.loads(json.dumps({**checkpoint.arguments, "activation": checkpoint.activation}))
    assert CASES[backbone].items() <= read.items()
    assert ("encoder_features" in read) == (kind == "whole")


@each_backbone
def test_normalisation_is_that_of_the_old_library(unets, backbone):
    reference = np.load(unets / f"{backbone}.npz")
    fields = segmentation_models_preprocessing(backbone, reference["pixels"].shape[-1])
    ours = (reference["pixels"] / 255 - np.asarray(fields["mean"])) / np.asarray(fields["std"])
    theirs = reference["inputs"][..., ::-1] if backbone.startswith("vgg") else reference["inputs"]
    assert np.allclose(ours, theirs, atol=1e-4)


def test_the_old_library_describes_its_layers_in_another_process(unets):
    model = read_segmentation_models(unets / "resnet18_weights.h5", "resnet18")
    reference = np.load(unets / "resnet18.npz")
    assert np.abs(answer(model, reference["pixels"], "resnet18") - reference["outputs"]).max() < 1e-4


def test_every_layer_is_stock_and_named_after_its_stage(unets, recorded):
    first, *layers, last = read_segmentation_models(unets / "resnext50_weights.h5", "resnext50").layers
    stages = ("stem_", "stage_1_", "stage_2_", "stage_3_", "stage_4_", *(f"decoder_{2**k}_" for k in range(5)))
    assert all(type(layer) is getattr(keras.layers, type(layer).__name__) for layer in layers)
    assert {layer.name for layer in layers if layer.name.startswith(stages)} == {layer.name for layer in layers}
    assert all(any(layer.name.startswith(stage) for layer in layers) for stage in stages)
    assert (first.name, last.name, last.dtype) == ("image", "probabilities", "float32")


def test_grouped_convolutions_are_one_layer_each(unets, recorded):
    model = read_segmentation_models(unets / "resnext50_weights.h5", "resnext50")
    assert [layer.groups for layer in model.layers if getattr(layer, "groups", 1) > 1] == [32] * 16


def test_weights_of_another_backbone_are_refused_by_name(unets, recorded):
    with pytest.raises(ValueError, match=r"over 'vgg16': expected 'block4_conv1/kernel' .*: 'block3_conv4/kernel'"):
        read_segmentation_models(unets / "vgg19_weights.h5", "vgg16")
