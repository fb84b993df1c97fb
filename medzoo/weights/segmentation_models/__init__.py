"""Unets that were trained with segmentation_models 1.0.1 under tf-keras, as Keras 3 models of stock layers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile, zip_longest
from typing import Any, TypedDict

import h5py
import keras
import numpy as np

from medzoo.errors import unknown_name
from medzoo.weights.segmentation_models.network import assemble, legacy_layers


class Statistics(TypedDict):
    """What is subtracted from intensities between 0 and 1, and what they are divided by then."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


_RAW: Statistics = {"mean": (0.0,), "std": (1 / 255,)}
_CAFFE: Statistics = {"mean": (123.68 / 255, 116.779 / 255, 103.939 / 255), "std": (1 / 255,) * 3}
_TORCH: Statistics = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

# What `segmentation_models.get_preprocessing` does to 0..255, for pixels in [0, 1]. A single value is for any channel.
_PREPROCESSING = {
    "resnet18": _RAW,
    "resnet34": _RAW,
    "resnet50": _RAW,
    "resnext50": _RAW,
    "vgg16": _CAFFE,
    "vgg19": _CAFFE,
    "efficientnetb0": _TORCH,
}


def segmentation_models_preprocessing(backbone: str, channels: int = 3) -> Statistics:
    """Return the normalisation that `segmentation_models.get_preprocessing` applies, as fields of `Preprocessing`.

    They are for pixels that the range of their type has scaled to [0, 1]: `(pixels - mean) / std`, channels RGB.

    Args:
        backbone: Name of the backbone in segmentation_models.
        channels: Number of channels of the network's input.

    Returns:
        `mean` and `std`, a value for each channel.

    Raises:
        ValueError: The backbone is unknown, or the old library has no normalisation of it for these channels.

    Example:
        >>> segmentation_models_preprocessing("efficientnetb0")
        {'mean': (0.485, 0.456, 0.406), 'std': (0.229, 0.224, 0.225)}

    Source: https://github.com/qubvel/segmentation_models
    """
    statistics = _statistics_of(backbone)
    if len(statistics["mean"]) not in (1, channels):
        raise ValueError(
            f"segmentation_models normalises 3 channels for '{backbone}'. Received: channels={channels}. "
            "Read the network with `read_segmentation_models` and give it the `mean` and `std` of its training."
        )
    mean, std = (
        values * channels if len(values) == 1 else values for values in (statistics["mean"], statistics["std"])
    )
    return {"mean": mean, "std": std}


def read_segmentation_models(path: str | os.PathLike, backbone: str, activation: str | None = None) -> keras.Model:
    """Read a `segmentation_models.Unet` from its `.h5` file, with the output that it had.

    The old library describes its layers in a process of its own; of the file only tensors and names are read, so no
    code that it may hold can run. The first convolution of a VGG, which had BGR, takes RGB here as all networks do.

    Args:
        path: File of `model.save_weights("x.h5")` or of `model.save("x.h5")`.
        backbone: Name of the backbone in segmentation_models.
        activation: Activation of the output; None takes that of the file.

    Returns:
        Model from `(batch, height, width, channels)`, height and width divisible by 32, to `(batch, height, width,
        classes)` in float32. Layer names begin with `stem_`, `stage_1_`, ... by stride, and with `decoder_<stride>_`;
        the last one is `probabilities`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The backbone is unknown, the file is no such checkpoint, or a tensor does not fit; it is named.
        ImportError: `medzoo[legacy]` is not installed.

    Example:
        >>> model = read_segmentation_models("unet.h5", "resnext50")  # doctest: +SKIP
        >>> model.output_shape  # doctest: +SKIP
        (None, None, None, 1)

    Source: https://github.com/qubvel/segmentation_models
    """
    statistics = _statistics_of(backbone)
    checkpoint = read_checkpoint(path)
    layers = _layers(checkpoint, backbone)
    weights = match(checkpoint, layers, backbone)
    if statistics is _CAFFE:
        _flip_channels(weights["block1_conv1"])
    return assemble(layers, weights, activation or checkpoint.activation, name=f"unet_{backbone}")


def _statistics_of(backbone: str) -> Statistics:
    if backbone not in _PREPROCESSING:
        raise unknown_name("backbone", backbone, _PREPROCESSING)
    return _PREPROCESSING[backbone]


def _layers(checkpoint: Checkpoint, backbone: str) -> list[dict]:
    arguments = {"backbone_name": backbone, **checkpoint.arguments}
    try:
        return legacy_layers(arguments)
    except ValueError:
        # This backbone may lack the layers that the file joins; the first tensor that differs is the clearer message.
        match(checkpoint, legacy_layers({**arguments, "encoder_features": "default"}), backbone)
        raise


def _flip_channels(tensors: list) -> None:
    """Turn the kernel of a first convolution from BGR to RGB; other channels than three never were BGR."""
    if tensors[0].shape[2] == 3:
        tensors[0] = tensors[0][:, :, ::-1]


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Args:
        path: The file.
        names: Names of all layers, in the order of the network.
        tensors: Tensors by their name in the layer, by the layer's name, in the same order.
        skips: Layers that the decoder's stages join, coarsest first; None where the file does not say.
    """

    path: str
    names: tuple[str, ...]
    tensors: dict[str, dict[str, np.ndarray]]
    skips: tuple[str, ...] | None

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of `segmentation_models.Unet` except the backbone, read off the shapes of the tensors.

        Raises:
            ValueError: A layer that every Unet has is missing.
        """
        stages = takewhile(self.tensors.__contains__, (f"decoder_stage{index}b_conv" for index in count()))
        arguments = {
            "classes": self._kernel("final_conv").shape[-1],
            "input_shape": (None, None, self._channels),
            "decoder_filters": tuple(self._kernel(stage).shape[-1] for stage in stages),
            "decoder_block_type": "transpose" if "decoder_stage0a_transpose" in self.tensors else "upsampling",
            "decoder_use_batchnorm": "decoder_stage0b_bn" in self.tensors,
        }
        return arguments if self.skips is None else {**arguments, "encoder_features": self.skips}

    @property
    def activation(self) -> str:
        """Activation of the output: segmentation_models names the last layer after it.

        Raises:
            ValueError: The last layer is no activation.
        """
        name = self.names[-1]
        try:
            keras.activations.get(name)
        except ValueError as error:
            usual = ("linear", "sigmoid", "softmax")
            remedy = f"Give `activation` for {self.path}."
            raise unknown_name("activation as the last layer", name, usual, remedy) from error
        return name

    @property
    def _channels(self) -> int:
        # A ResNet begins with a BatchNormalization, the others with a convolution.
        first = next(iter(next(iter(self.tensors.values())).values()))
        return first.shape[-2] if first.ndim == 4 else first.shape[-1]

    def _kernel(self, layer: str) -> np.ndarray:
        try:
            return self.tensors[layer]["kernel"]
        except KeyError as error:
            raise ValueError(
                f"{self.path}: expected a `segmentation_models.Unet`, which has '{layer}/kernel'. "
                f"Received layers with weights: {', '.join([*self.tensors][-5:]) or 'none'}."
            ) from error


def read_checkpoint(path: str | os.PathLike) -> Checkpoint:
    """Read a file that `model.save_weights("x.h5")` or `model.save("x.h5")` of Keras 2 wrote.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such file.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: expected the .h5 file of a `segmentation_models.Unet`; there is none.")
    try:
        with h5py.File(path) as file:
            return _read(path, file)
    except (OSError, KeyError, IndexError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{path}: expected an HDF5 file that Keras 2 wrote by `model.save_weights('x.h5')` or `model.save('x.h5')` "
            f"(a name ending in .weights.h5 gives another format). Received: {error}"
        ) from error


def match(checkpoint: Checkpoint, layers: Sequence[Mapping], backbone: str) -> dict[str, list[np.ndarray]]:
    """Return the tensors of a file by the names of the layers that they belong to, each tensor exactly once.

    As Keras 2 does, this goes by the order of the layers: names that Keras gave depend on what was built before.

    Args:
        checkpoint: The file.
        layers: Layers of the network, as `legacy_layers` returns them.
        backbone: Name of the backbone, for the message.

    Raises:
        ValueError: A tensor is missing, left over or of another shape; the message names the first.
    """
    expected = [(layer["name"], name, tuple(shape)) for layer in layers for name, shape in layer["weights"]]
    stored = [(layer, name, array) for layer, tensors in checkpoint.tensors.items() for name, array in tensors.items()]
    weights: dict[str, list[np.ndarray]] = {}
    for needed, received in zip_longest(expected, stored):
        if not (needed and received and needed[1:] == (received[1], received[2].shape)):
            raise ValueError(
                f"{checkpoint.path} does not hold the weights of a Unet over '{backbone}': "
                f"expected {_tensor(needed)}. Received: {_tensor(received and (*received[:2], received[2].shape))}. "
                "Name the backbone that it was trained with."
            )
        weights.setdefault(needed[0], []).append(received[2])
    return weights


def _tensor(tensor: tuple | None) -> str:
    return f"'{tensor[0]}/{tensor[1]}' of shape {tensor[2]}" if tensor else "no further tensor"


def _read(path: str, file: h5py.File) -> Checkpoint:
    group = file.get("model_weights", file)
    names = tuple(_attribute(group, "layer_names"))
    tensors = {name: dict(_tensors(group[name], file)) for name in names}
    config = file.attrs.get("model_config")
    return Checkpoint(
        path, names, {name: own for name, own in tensors.items() if own}, config and _skips(json.loads(config))
    )


def _attribute(group: h5py.Group, name: str) -> list[str]:
    """Return a list of names, which Keras 2 cuts into `name0`, `name1`, ... where it is longer than 64 kB."""
    keys = [name] if name in group.attrs else takewhile(group.attrs.__contains__, (f"{name}{i}" for i in count()))
    values = [value for key in keys for value in group.attrs[key]]
    if not values and name not in group.attrs:
        raise KeyError(f"no attribute '{name}'")
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _tensors(group: h5py.Group, file: h5py.File) -> Iterator[tuple[str, np.ndarray]]:
    for name in _attribute(group, "weight_names"):
        dataset = group[name]
        # HDF5 can point at any other file of this machine, whose bytes would end up in a published model.
        if dataset.file != file or dataset.external or dataset.is_virtual:
            raise TypeError(f"'{name}' lies in another file")
        yield name.rpartition("/")[2].partition(":")[0], dataset[()]


def _skips(config: Mapping[str, Any]) -> tuple[str, ...]:
    joined = {layer["name"]: layer["inbound_nodes"] for layer in config["config"]["layers"]}
    stages = takewhile(joined.__contains__, (f"decoder_stage{index}_concat" for index in count()))
    return tuple(joined[stage][0][1][0] for stage in stages)
