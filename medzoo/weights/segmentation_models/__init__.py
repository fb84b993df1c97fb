"""Unets that were trained with segmentation_models 1.0.1 under tf-keras, as Keras 3 models of stock layers."""

from __future__ import annotations

import os

import keras

from medzoo.errors import unknown_name
from medzoo.weights.segmentation_models.checkpoint import Checkpoint, match, read_checkpoint
from medzoo.weights.segmentation_models.network import assemble, legacy_layers

_RAW = {"mean": (0.0,), "std": (1 / 255,)}
_CAFFE = {"mean": (123.68 / 255, 116.779 / 255, 103.939 / 255), "std": (1 / 255,) * 3}
_TORCH = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}

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


def segmentation_models_preprocessing(backbone: str, channels: int = 3) -> dict[str, tuple[float, ...]]:
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
    fields = _known(backbone)
    if len(fields["mean"]) not in (1, channels):
        raise ValueError(
            f"segmentation_models normalises 3 channels for '{backbone}'. Received: channels={channels}. "
            "Read the network with `read_segmentation_models` and give it the `mean` and `std` of its training."
        )
    return {name: values * channels if len(values) == 1 else values for name, values in fields.items()}


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
    fields = _known(backbone)
    checkpoint = read_checkpoint(path)
    layers = _layers(checkpoint, backbone)
    weights = match(checkpoint, layers, backbone)
    if fields is _CAFFE:
        _flip_channels(weights["block1_conv1"])
    return assemble(layers, weights, activation or checkpoint.activation, name=f"unet_{backbone}")


def _known(backbone: str) -> dict[str, tuple[float, ...]]:
    if backbone not in _PREPROCESSING:
        raise unknown_name("backbone", backbone, _PREPROCESSING)
    return _PREPROCESSING[backbone]


def _layers(checkpoint: Checkpoint, backbone: str) -> list[dict]:
    arguments = {"backbone_name": backbone, **checkpoint.arguments}
    try:
        return legacy_layers(arguments)
    except ValueError:
        # This backbone may lack the layers that the file joins; then the first tensor of another one says it better.
        match(checkpoint, legacy_layers({**arguments, "encoder_features": "default"}), backbone)
        raise


def _flip_channels(tensors: list) -> None:
    """Turn the kernel of a first convolution from BGR to RGB; other channels than three never were BGR."""
    if tensors[0].shape[2] == 3:
        tensors[0] = tensors[0][:, :, ::-1]
