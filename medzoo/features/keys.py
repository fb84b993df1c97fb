"""Names of what is cached: which encoder, and which image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import keras

from medzoo.data.augment import Augmentation
from medzoo.io import as_image
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
    for part in as_image(image).contents():
        digest.update(part)
    return digest.digest()
