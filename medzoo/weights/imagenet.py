"""ImageNet: the ResNet family from torchvision's weights on the Hub, the others from Keras's own files."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medzoo.entry.safety.arrays import check_weights
from medzoo.errors import printable
from medzoo.preprocessing import Preprocessing
from medzoo.weights.fetch import Pin, fetch
from medzoo.weights.torch_checkpoints import load_state, read_checkpoint
from medzoo.weights.transfer import fit_statistics, mobilenet_form, transfer, weights_by_name

if TYPE_CHECKING:
    import keras

_STAGE = re.compile(r"(stem|stage_\d+)_")
_SOURCE_SHAPE = (224, 224, 3)
_CLASSIFIER = ("fc1", "fc2", "predictions")

PINS = {
    name: Pin(repo, "model.safetensors", revision, sha256)
    for name, repo, revision, sha256 in (
        (
            "resnet18",
            "timm/resnet18.tv_in1k",
            "bbd144b3e5565108aad885f145491d11bc6ce807",
            "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
        ),
        (
            "resnet34",
            "timm/resnet34.tv_in1k",
            "1b7b21cca82ff974d341713f777bf740c2db38c4",
            "0bb82595a564991a9d424708b33f5d843f5aaed7f6c0886ff10849ff97022235",
        ),
        (
            "resnet50",
            "timm/resnet50.tv_in1k",
            "78f3ecfdb38e06d9b8397f662e7ab8fee96026fa",
            "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888",
        ),
        ("resnet101", "smp-hub/resnet101.imagenet", "cd7c15e8c51da86ae6a084515fdb962d0c94e7d1", None),
        ("resnet152", "smp-hub/resnet152.imagenet", "951dd835e9d086628e447b484584c8983f9e1dd0", None),
        ("resnext50", "smp-hub/resnext50_32x4d.imagenet", "329793c85d62fd340ae42ae39fb905a63df872e7", None),
    )
}


class _Statistics(NamedTuple):
    """Mean and deviation of intensities between 0 and 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


_TORCH = _Statistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
# VGG was trained on intensities from 0 to 255 minus their mean.
_CAFFE = _Statistics((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3)
_CENTRED = _Statistics((0.5,), (0.5,))
_CENTRED_AT_128 = _Statistics((128 / 255,), (128 / 255,))


class _Application(NamedTuple):
    """Name of the function in `keras.applications`, and what its weights expect."""

    builder: str
    statistics: _Statistics


_EFFICIENTNETS = dict.fromkeys(("B0", "B1", "B2", "B3"), _TORCH) | dict.fromkeys("SML", _CENTRED_AT_128)
APPLICATIONS = {
    "vgg16": _Application("VGG16", _CAFFE),
    "vgg19": _Application("VGG19", _CAFFE),
    **{f"efficientnetv2{size.lower()}": _Application(f"EfficientNetV2{size}", s) for size, s in _EFFICIENTNETS.items()},
    "mobilenetv2": _Application("MobileNetV2", _CENTRED),
}


def names(dimensions: int) -> tuple[str, ...]:
    """Return the encoders of 2 or 3 dimensions that these weights exist for."""
    return (*PINS, *APPLICATIONS) if dimensions == 2 else ()


def load(encoder: keras.Model, name: str) -> None:
    """Fetch the weights of an encoder and assign them; `medzoo.weights.load_weights` says what it raises."""
    if name in PINS:
        pin = PINS[name]
        load_state(encoder, name, read_checkpoint(fetch(*pin)), origin=f"{pin.file} of {pin.repo}")
    else:
        _check_form(encoder, name, f"keras.applications.{APPLICATIONS[name].builder}")
        _transfer(encoder, name, _fetch_application(name), f"keras.applications.{APPLICATIONS[name].builder}")


def load_file(encoder: keras.Model, name: str, path: Path) -> None:
    """Assign the weights of an `.h5` or `.weights.h5` of a network of `keras.applications`, with classifier or without.

    Raises:
        ValueError: The encoder is none of `keras.applications`, or the file is of another network.
        IntegrityError: The file is damaged or reads other files.
    """
    if name not in APPLICATIONS:
        raise ValueError(
            f"{path} is a file of Keras, which fits the encoders of keras.applications: {', '.join(APPLICATIONS)}. "
            f"Received: '{name}'."
        )
    _check_form(encoder, name, str(path))
    check_weights(path)
    _transfer(encoder, name, _read_application(name, path), str(path))


def preprocessing(name: str, size: Sequence[int], channels: int, torch: bool = False) -> Preprocessing:
    """Return what the weights were trained with: the intensities of the file's type, normalised by channel.

    Args:
        name: Name of the encoder.
        size: Size of the input.
        channels: Channels of the input.
        torch: Whether the weights are a torch checkpoint, whatever Keras's own were trained with.
    """
    mean, std = APPLICATIONS[name].statistics if name in APPLICATIONS and not torch else _TORCH
    return Preprocessing(
        tuple(size),
        channels,
        normalization="type_range",
        mean=fit_statistics(mean, channels),
        std=fit_statistics(std, channels),
    )


def _check_form(encoder: keras.Model, name: str, origin: str) -> None:
    if mobilenet_form(encoder.layers) == "torch":
        raise ValueError(
            f"{origin} is of Keras, and '{name}' has the padding of torch. "
            f'Set the encoder to {{"name": "{name}", "form": "keras"}}.'
        )


def _transfer(encoder: keras.Model, name: str, source: keras.Model, origin: str) -> None:
    import keras

    named = [layer for layer in source.layers if layer.name not in _CLASSIFIER]
    weights = weights_by_name(named, "{}/{}".format)
    arrays = {key: keras.ops.convert_to_numpy(weight) for key, weight in weights.items()}
    if APPLICATIONS[name].statistics is _CAFFE:
        # It was trained on BGR; all images here are RGB.
        arrays["block1_conv1/kernel"] = arrays["block1_conv1/kernel"][:, :, ::-1]
    transfer(encoder, _keras_name, arrays, origin)


def _read_application(name: str, path: Path) -> keras.Model:
    reasons = []
    for include_top in (False, True):
        source = _application(name, None, include_top)
        try:
            with warnings.catch_warnings():
                # Keras warns of every part of a network that has no weights of its own.
                warnings.simplefilter("ignore", UserWarning)
                source.load_weights(path)
        # Keras and h5py raise many classes of errors at a file of another network.
        except Exception as error:
            reasons.append(printable(" ".join(str(error).split()))[:300].rstrip("."))
        else:
            return source
    builder = APPLICATIONS[name].builder
    raise ValueError(
        f"{path} does not hold the weights of keras.applications.{builder}: {reasons[0]}. Take the file that Keras "
        "publishes for this network, or one saved from it at its full width."
    )


def _fetch_application(name: str) -> keras.Model:
    try:
        return _application(name, "imagenet", include_top=False)
    except Exception as error:
        # Without internet Keras raises a bare Exception, whose message holds the address.
        if type(error) is not Exception:
            raise
        raise FileNotFoundError(
            f"The ImageNet weights of {name} are not in the cache and could not be fetched: {error}. Fetch the file on "
            "a machine with a network and put it into the folder models/ of KERAS_HOME, ~/.keras if that is not set."
        ) from error


def _application(name: str, weights: str | None, include_top: bool) -> keras.Model:
    import keras

    build = getattr(keras.applications, APPLICATIONS[name].builder)
    options = {"include_preprocessing": False} if name.startswith("efficientnet") else {}
    return build(include_top=include_top, weights=weights, input_shape=_SOURCE_SHAPE, **options)


def _keras_name(layer: str, weight: str) -> str:
    return f"{_STAGE.sub('', layer, count=1)}/{weight}"
