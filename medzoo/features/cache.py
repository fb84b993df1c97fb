"""Features of a frozen encoder on disk, computed once for every image, however often they are asked for."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from medzoo.data import Samples
from medzoo.data.augment import Augmentation
from medzoo.data.feed.batches import Batches, make_batches
from medzoo.data.feed.reader import read_ahead, row_counts
from medzoo.devices import memory
from medzoo.features.store import FeatureFile, Item
from medzoo.io import as_image
from medzoo.preprocessing import Preprocessing
from medzoo.progress import track
from medzoo.task import Task

if TYPE_CHECKING:
    from medzoo.zoo_model import ZooModel

# Rows that are read ahead, for every core.
_AHEAD = 2
# To be raised when the same key would mean other features.
_FORMAT = 1


def compute(
    encoder: keras.Model,
    batches: Batches,
    rows: Mapping[bytes, int],
    items: list[Item],
    file: FeatureFile,
    seed: int = 0,
    batch_size: int = 8,
) -> None:
    """Compute features and write them, a batch at a time, with a progress bar.

    Args:
        encoder: From images to one tensor or several.
        batches: Read the images; their random change makes the views.
        rows: Row of each content.
        items: What to compute.
        file: Where it goes.
        seed: Seed of the views. The draws of a view follow from it, the content of the image and the view's number.
        batch_size: Images in a step.
    """
    inputs = track(_inputs(batches, rows, items, seed), "Computing features", len(items))
    while batch := list(islice(inputs, batch_size)):
        done, images = zip(*batch, strict=True)
        # Always a full batch, since another size would be compiled anew.
        padded = np.stack([*images, *[images[-1]] * (batch_size - len(images))])
        tensors = keras.tree.flatten(encoder.predict_on_batch(padded))
        file.write(done, [np.asarray(tensor) for tensor in tensors])


def _inputs(
    batches: Batches, rows: Mapping[bytes, int], items: list[Item], seed: int
) -> Iterator[tuple[Item, np.ndarray]]:
    """Yield what the encoder sees, read by threads ahead of it."""

    def read(item: Item) -> list[np.ndarray]:
        return batches.read(np.array([rows[item[0]]]))

    rows_of_items = read_ahead(read, items, _AHEAD * (os.cpu_count() or 1))
    for item, (images, targets) in zip(items, rows_of_items, strict=True):
        if batches.change is not None:
            draw = np.random.default_rng([int.from_bytes(item[0][:8]), item[1], seed]).integers(2**31, size=2)
            tensor = keras.ops.convert_to_tensor
            images = keras.ops.convert_to_numpy(batches.change(tensor(images), tensor(targets), draw)[0])
        yield item, images[0]


class FeatureCache:
    """Features of images, each computed once for an encoder with these weights and this preprocessing.

    There is a file for every encoder (its layers and weights), preprocessing and backend, and for every augmentation;
    in it a row for every image, by the content of its file. So folds, trials and processes share what any of them
    computed, a kill loses a batch at most, and features of other weights or other pixels are never taken. Files that
    are no longer needed can be deleted.

    Args:
        folder: Where the files lie.

    Example:
        >>> encoder, head = split_frozen(model, stages(model))
        >>> FeatureCache("features").features(model, encoder, samples)[0].shape
        (1, 100, 512)
    """

    def __init__(self, folder: str | os.PathLike):
        self.folder = Path(folder)

    def features(
        self,
        model: ZooModel,
        encoder: keras.Model,
        samples: Samples,
        views: int = 0,
        augment: Augmentation | None = None,
        seed: int = 0,
        batch_size: int = 8,
    ) -> list[np.ndarray]:
        """Return the features of all samples; features that are not on disk are computed and kept.

        The arrays are in memory: `can_cache` tells whether they fit.

        Args:
            model: Has the preprocessing and the task.
            encoder: What `split_frozen` cut off; it works as in inference.
            samples: The images, one row each.
            views: Number of augmented versions of each image; 0 for the image as it is.
            augment: What makes the views.
            seed: Seed of the views; a view follows from it, the image and its number alone.
            batch_size: Images in a step of the encoder.

        Returns:
            An array for every tensor of the encoder, `(max(views, 1), rows, *shape)`, float16 where the tensor is,
            else float32.

        Raises:
            ValueError: An image cannot be read, samples do not make one row each, views are asked for that cannot be,
                or a file of the cache is damaged; the message names it.
            OSError: The disk is full.
        """
        _check(samples, model, views, augment)
        augment = augment if views else None
        numbers = range(1, views + 1) if views else range(1)
        columns = _columns(encoder)
        with FeatureFile(self.folder / encoder_key(encoder, model.preprocessing, augment, seed), columns) as file:
            digests = _digests(samples)
            missing = file.missing((digest, number) for number in numbers for digest in digests)
            if missing:
                batches = make_batches(samples, model.preprocessing, model.task, augment=augment, cache=None)
                rows = {digest: row for row, digest in enumerate(digests)}
                compute(encoder, batches, rows, missing, file, seed, batch_size)
            return file.read([[(digest, number) for digest in digests] for number in numbers])


def can_cache(
    samples: Samples,
    preprocessing: Preprocessing,
    task: Task,
    encoder: keras.Model | None = None,
    views: int = 0,
) -> bool:
    """Tell whether each sample is one row, as the cache needs, and the features of `encoder` fit into memory."""
    if set(row_counts(samples, preprocessing, task)) - {1}:
        return False
    return encoder is None or _bytes(encoder, max(views, 1) * len(samples)) < (memory() or math.inf)


def _check(samples: Samples, model: ZooModel, views: int, augment: Augmentation | None) -> None:
    if not can_cache(samples, model.preprocessing, model.task):
        raise ValueError(
            "The cache keeps one row of features for each sample; a 2D segmentation of volumes makes one of each "
            "slice. Train without the cache, or with volumes as the input."
        )
    if not views:
        return
    if augment is None:
        raise ValueError(f"`views`={views} are made by an augmentation; the recipe has none. Set it, or views to 0.")
    if model.task.is_dense:
        raise ValueError(
            "Views of a segmentation need masks that move along, which the cache does not keep. Set views to 0 for "
            "features of the images as they are, or leave it out to augment in every epoch."
        )
    if augment.mixup:
        raise ValueError(
            "Mixup blends images of a batch, and features of views belong to one image. Set `mixup` to 0 or views to 0."
        )


def _columns(encoder: keras.Model) -> list[tuple[tuple[int, ...], type]]:
    """Return shape and type of a row of each tensor."""
    unknown = [tensor.shape for tensor in encoder.outputs if None in tensor.shape[1:]]
    if unknown:
        raise ValueError(f"Features are kept for inputs of a known size. Received: an encoder of shapes {unknown}.")
    return [(tensor.shape[1:], np.float16 if tensor.dtype == "float16" else np.float32) for tensor in encoder.outputs]


def _digests(samples: Samples) -> list[bytes]:
    with ThreadPoolExecutor() as pool:
        return list(pool.map(row_digest, samples.images, samples.slices))


def _bytes(encoder: keras.Model, rows: int) -> int:
    return rows * sum(math.prod(shape) * np.dtype(dtype).itemsize for shape, dtype in _columns(encoder))


def encoder_key(
    encoder: keras.Model, preprocessing: Preprocessing, augment: Augmentation | None = None, seed: int = 0
) -> str:
    """Return the name of the features of an encoder, its weights, preprocessing, augmentation and backend.

    It does not depend on the names of layers and on which of them are trainable.

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
    """Return the hash of everything that decides the pixels of a row: the content of its files or array, and its slice.

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
