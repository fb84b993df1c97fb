"""Names of what is cached: which encoder, and which image."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import keras
import numpy as np

from medzoo.data.augment import Augmentation
from medzoo.data.feed.packed import PackedImage
from medzoo.io import DicomSeries, read_scan
from medzoo.preprocessing import Preprocessing

# To be raised when the same key would mean other features.
_FORMAT = 1


def encoder_key(
    encoder: keras.Model, preprocessing: Preprocessing, augment: Augmentation | None = None, seed: int = 0
) -> str:
    """Return a name that only features of the same encoder, weights, preprocessing, augmentation and backend have.

    The names of layers and what of them is trainable do not count.

    Args:
        encoder: The encoder with its weights.
        preprocessing: Steps from a file to its input.
        augment: What makes views of the images, or None.
        seed: Seed of the views.
    """
    names = {layer.name: f"#{number}" for number, layer in enumerate(encoder.operations)}
    content = {
        "format": _FORMAT,
        "backend": keras.backend.backend(),
        "encoder": _anonymous({**encoder.get_config(), "name": ""}, names),
        "preprocessing": preprocessing.to_json(),
        "augmentation": augment and [asdict(augment), seed],
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for weight in encoder.weights:
        digest.update(keras.ops.convert_to_numpy(weight).tobytes())
    return digest.hexdigest()[:32]


def _anonymous(value: Any, names: Mapping[str, str]) -> Any:
    """Return a configuration in which layers are numbered, since Keras counts names on from network to network."""
    if isinstance(value, Mapping):
        return {name: _anonymous(item, names) for name, item in value.items() if name != "trainable"}
    if isinstance(value, list | tuple):
        return [_anonymous(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def row_digest(image: Any, slice: int | None = None) -> bytes:
    """Return the hash of all that decides the pixels of a row: the content of its files or array, and its slice.

    Args:
        image: As in `Samples.images`.
        slice: As in `Samples.slices`.

    Raises:
        OSError: A file cannot be read.
        ValueError: The image is no file and cannot be read; the message names it.
    """
    digest = hashlib.sha256(repr(slice).encode())
    for part in _contents(image):
        digest.update(part)
    return digest.digest()


def _contents(image: Any) -> list[bytes]:
    if isinstance(image, DicomSeries):
        return sorted(map(_file_digest, image.files))
    if isinstance(image, str | os.PathLike):
        return sorted(map(_file_digest, _files(os.fspath(image))))
    if isinstance(image, PackedImage):
        return [f"{image.file.digest} {image.first}".encode()]
    scan = read_scan(image)
    described = repr((scan.array.dtype, scan.array.shape, scan.shape, scan.spacing))
    return [described.encode(), np.ascontiguousarray(scan.array).data]


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]


def _file_digest(path: str) -> bytes:
    status = os.stat(path)
    return _digest_of(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@functools.lru_cache(maxsize=2**17)
def _digest_of(path: str, *state: int) -> bytes:
    """Return the hash of a file; within a process, a file that was not written since is not read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
