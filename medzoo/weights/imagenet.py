"""ImageNet: the ResNet family from torchvision's weights on the Hub, the others from Keras's own files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medzoo.preprocessing import Preprocessing
from medzoo.weights.checkpoints import read_checkpoint
from medzoo.weights.fetch import Pin, fetch
from medzoo.weights.torch_names import load_state
from medzoo.weights.transfer import fit_statistics, transfer, weights_by_name

if TYPE_CHECKING:
    import keras

_STAGE = re.compile(r"(stem|stage_\d+)_")
_SOURCE_SHAPE = (224, 224, 3)

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
# VGG was trained on intensities to 255, less their mean.
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
        origin = f"keras.applications.{APPLICATIONS[name].builder}"
        transfer(encoder, _keras_name, _application_arrays(name), origin)


def preprocessing(name: str, size: Sequence[int], channels: int) -> Preprocessing:
    """Return what the weights were trained with: the intensities of the file's type, normalised by channel."""
    mean, std = APPLICATIONS[name].statistics if name in APPLICATIONS else _TORCH
    return Preprocessing(
        tuple(size),
        channels,
        normalization="type_range",
        mean=fit_statistics(mean, channels),
        std=fit_statistics(std, channels),
    )


def _application_arrays(name: str) -> dict[str, np.ndarray]:
    import keras

    source = _fetch_application(name)
    weights = weights_by_name(source.layers, "{}/{}".format)
    arrays = {key: keras.ops.convert_to_numpy(weight) for key, weight in weights.items()}
    if APPLICATIONS[name].statistics is _CAFFE:
        # Trained on BGR; everything here is RGB.
        arrays["block1_conv1/kernel"] = arrays["block1_conv1/kernel"][:, :, ::-1]
    return arrays


def _fetch_application(name: str) -> keras.Model:
    import keras

    build = getattr(keras.applications, APPLICATIONS[name].builder)
    options = {"include_preprocessing": False} if name.startswith("efficientnet") else {}
    try:
        return build(include_top=False, weights="imagenet", input_shape=_SOURCE_SHAPE, **options)
    except Exception as error:
        # Where it has no network, Keras raises nothing more special; the message names the address.
        if type(error) is not Exception:
            raise
        raise FileNotFoundError(
            f"The ImageNet weights of {name} are not in the cache and could not be fetched: {error}. Fetch the file on "
            "a machine with a network and put it into the folder models/ of KERAS_HOME, ~/.keras if that is not set."
        ) from error


def _keras_name(layer: str, weight: str) -> str:
    return f"{_STAGE.sub('', layer, count=1)}/{weight}"
