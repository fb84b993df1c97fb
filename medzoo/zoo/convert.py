"""Checkpoints of other libraries to zoo entries."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import keras

from medzoo.entry import sha256
from medzoo.graph.calls import rebuild
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import CONVERTED, Recipe
from medzoo.task import FeatureExtraction, Segmentation
from medzoo.weights import preprocessing_for
from medzoo.weights.segmentation_models import read_segmentation_models, segmentation_models_preprocessing
from medzoo.weights.torch_checkpoints import depth_of, read_checkpoint
from medzoo.zoo.save import save
from medzoo.zoo_model import ZooModel


def convert_medicalnet(
    path: str | os.PathLike, folder: str | os.PathLike, size: Sequence[int] = (64, 128, 128)
) -> Path:
    """Make a zoo entry of a MedicalNet checkpoint: the 3D encoder, ending with its pooled features.

    The entry needs no torch any more. Its folder serves as `weights` of any 3D network over the same encoder, and
    `medzoo.load` gives a model from volumes to features.

    Args:
        path: `resnet_10_23dataset.pth` or another of MedicalNet's files.
        folder: Where to write.
        size: Depth, height and width of the input in voxels.

    Returns:
        The folder.

    Raises:
        ValueError: The file is no MedicalNet checkpoint, or a tensor of it does not fit; the message names it.
        ImportError: torch, which reads the file, is not installed.

    Source: https://github.com/Tencent/MedicalNet
    """
    depth = depth_of(read_checkpoint(path))
    if depth is None:
        raise ValueError(f"{path} is no checkpoint of MedicalNet: expected the tensors of a ResNet of depth 10 to 200.")
    name = f"resnet{depth}"
    recipe = Recipe(
        name=Path(folder).name,
        task=FeatureExtraction(),
        preprocessing=preprocessing_for(name, "medicalnet", size, channels=1),
        builder={"name": "classifier", "encoder": name},
        weights=os.fspath(path),
        card={
            "summary": f"3D {name} of MedicalNet (Med3D, arXiv 1904.00625), an encoder for volumes.",
            "source": _source(path, "https://github.com/Tencent/MedicalNet"),
        },
    )
    return save(ZooModel.from_recipe(recipe, pretrained=True), folder, exact=True)


def convert_segmentation_models(
    path: str | os.PathLike,
    backbone: str,
    folder: str | os.PathLike,
    size: Sequence[int] = (256, 256),
    labels: Sequence[str] | None = None,
) -> Path:
    """Make a zoo entry of a UNet that was trained with segmentation_models 1.0.1.

    Args:
        path: The `.h5` file, of the whole model or of its weights.
        backbone: Name of the backbone in segmentation_models.
        folder: Where to write.
        size: Height and width of the input in pixels, divisible by 32.
        labels: Names of the labels, the background first; None numbers them.

    Returns:
        The folder.

    Raises:
        ValueError: The backbone is unknown, the file is of another one, its outputs are no segmentation in which a
            pixel has one label, or the number of labels does not fit.
        ImportError: `medzoo[legacy]` is not installed.

    Source: https://github.com/qubvel/segmentation_models
    """
    network = _single_output(_sized(read_segmentation_models(path, backbone), size))
    channels = network.input_shape[-1]
    task = _task(network, labels)
    statistics = segmentation_models_preprocessing(backbone, channels)
    recipe = Recipe(
        name=Path(folder).name,
        task=task,
        preprocessing=Preprocessing(tuple(size), channels, normalization="type_range", **statistics),
        builder={"name": CONVERTED, "encoder": backbone},
        card={
            "summary": f"UNet over {backbone}, trained with segmentation_models 1.0.1.",
            "source": _source(path, "segmentation_models 1.0.1"),
        },
    )
    return save(ZooModel.wrap(network, recipe), folder, exact=True)


def _sized(network: keras.Model, size: Sequence[int]) -> keras.Model:
    """Return a copy of a network for any size for one size, which what runs it can prepare for."""
    image = keras.Input((*size, network.input_shape[-1]), name="image")
    return rebuild(network, image=image)


def _single_output(network: keras.Model) -> keras.Model:
    """Give a softmax over two outputs, which is a sigmoid of their difference, the one output that a Task has."""
    last = network.layers[-1]
    if last.activation is not keras.activations.softmax or network.output_shape[-1] != 2:
        return network
    kernel, bias = map(keras.ops.convert_to_numpy, last.weights)
    config = {**last.get_config(), "filters": 1, "activation": "sigmoid"}
    layer = type(last).from_config(config)
    model = keras.Model(network.input, layer(last.input), name=network.name)
    layer.set_weights([kernel[..., 1:] - kernel[..., :1], bias[1:] - bias[:1]])
    return model


def _task(network: keras.Model, labels: Sequence[str] | None) -> Segmentation:
    outputs, activation = network.output_shape[-1], network.layers[-1].activation.__name__
    names = [f"label_{index}" for index in range(outputs)] if outputs > 1 else ["background", "foreground"]
    task = Segmentation(tuple(labels or names))
    if task.outputs != outputs:
        raise ValueError(
            f"`labels` must fit the {outputs} output(s) of the network: 2 names for 1 output, else one for each. "
            f"Received: labels={task.labels}."
        )
    if task.activation != activation:
        raise ValueError(
            f"A segmentation with {outputs} output(s) must end in {task.activation}. Received: {activation}. Read the "
            "network with medzoo.weights.segmentation_models.read_segmentation_models and use it as a Keras model."
        )
    return task


def _source(path: str | os.PathLike, origin: str) -> str:
    return f"{Path(path).name} of {origin}, sha256 {sha256(path)}."
