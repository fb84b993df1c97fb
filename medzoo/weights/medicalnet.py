"""MedicalNet: 3D ResNets trained by Tencent on 23 data sets of CT and MRI."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from safetensors import numpy as safetensors

from medzoo.files import atomic_file, cache_folder
from medzoo.preprocessing import Preprocessing
from medzoo.weights.fetch import Pin, fetch
from medzoo.weights.torch_checkpoints import load_state, read_checkpoint

if TYPE_CHECKING:
    import keras

_DIGITS = 12


def converted(name: str, version: str, read: Callable[[], Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Return what `read` returns, reading it only the first time.

    The copy is named after the source's version and its own sha256: another source or a damaged copy is read anew.

    Args:
        name: Readable part of the file name.
        version: What changes with the source: its sha256.
        read: Function that reads the source to arrays by name.
    """
    folder = cache_folder() / "weights"
    stem = f"{name}-{version[:_DIGITS]}"
    for copy in folder.glob(f"{stem}-*.safetensors"):
        content = copy.read_bytes()
        if copy.stem == f"{stem}-{_digest(content)}":
            return safetensors.load(content)
        copy.unlink(missing_ok=True)
    arrays = read()
    content = safetensors.save({key: np.ascontiguousarray(array) for key, array in arrays.items()})
    with atomic_file(folder / f"{stem}-{_digest(content)}.safetensors") as temporary:
        temporary.write_bytes(content)
    return arrays


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


_FILES = {
    10: (
        "resnet_10_23dataset.pth",
        "9d7c4c66c77bff89b79631369426612f09d0fe9b",
        "afa8055f3e47f4a18239495d92a7abc587902c69c31c743de2b2784653b72605",
    ),
    18: (
        "resnet_18_23dataset.pth",
        "758fe285bc8ab565eb4f9f965810f1d1a3f79491",
        "61224f9317fcce873366deb3703183e92cc47325b726b69691b33536244e10f4",
    ),
    34: (
        "resnet_34_23dataset.pth",
        "main",
        "3ea7188e396774e4ef95b66e5e90a78273bb33f6e58d3d717bf24f5f1aaeaa28",
    ),
    50: (
        "resnet_50_23dataset.pth",
        "main",
        "ff48a62219073fb977fd3f4ddfb8dc1367f0ec156c8d6f6c37e205bd683a246e",
    ),
    101: ("resnet_101.pth", "main", "a26bbcf9b2ad35f048b0fa317234c003f171a4d719760e5c4aff9f793654ebcf"),
    152: ("resnet_152.pth", "main", "e96c459f5317ef2cbb898c91575402da2c78b31a31f55c5d28943683fe0626da"),
    200: ("resnet_200.pth", "main", "df58525b0276117169782617a379480d2cbc75230e84e152c603bf22a1fabfa8"),
}
PINS = {f"resnet{depth}": Pin(f"TencentMedicalNet/MedicalNet-Resnet{depth}", *rest) for depth, rest in _FILES.items()}


def names(dimensions: int) -> tuple[str, ...]:
    """Return the encoders of 2 or 3 dimensions that these weights exist for."""
    return tuple(PINS) if dimensions == 3 else ()


def load(encoder: keras.Model, name: str) -> None:
    """Fetch the weights of an encoder and assign them; `medzoo.weights.load_weights` says what it raises."""
    pin = PINS[name]
    state = converted(f"medicalnet-{name}", pin.sha256 or pin.revision, lambda: _read(pin))
    load_state(encoder, name, state, origin=f"{pin.file} of {pin.repo}")


def preprocessing(name: str, size: Sequence[int], channels: int) -> Preprocessing:
    """Return what the weights were trained with: intensities of mean 0 and deviation 1."""
    return Preprocessing(tuple(size), channels, normalization="standardize")


def _read(pin: Pin) -> dict[str, np.ndarray]:
    return read_checkpoint(fetch(*pin))
