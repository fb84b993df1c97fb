"""Samples to batches with tf.data, through the same Preprocessing that `medzoo.predict` uses."""

from __future__ import annotations

import contextlib
import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from medzoo.data.augment import Augmentation
from medzoo.data.samples import Samples
from medzoo.io import read_scan
from medzoo.preprocessing import Preprocessing
from medzoo.task import Segmentation

# Keras warns, at every `fit` on a dataset, of its own default for an argument that nobody passed.
warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored", category=UserWarning)

# Files read in one call from TensorFlow, which costs as much as a fifth of a small picture.
_TOGETHER = 4

# What readers raised since `reader_errors` began; TensorFlow hands on no more than the text.
_errors: list[Exception] = []


def make_dataset(
    samples: Samples,
    preprocessing: Preprocessing,
    task: Segmentation,
    batch_size: int = 8,
    augment: Augmentation | None = None,
    shuffle: bool = False,
    cache: str | os.PathLike | None = "memory",
    seed: int = 0,
) -> tf.data.Dataset:
    """Make batches of images `(batch, *size, channels)` float32 and masks `(batch, *size, 1)` uint8.

    Files are decoded in parallel and once: what comes before the augmentation is cached. The same seed gives the same
    order and pixels; every epoch has its own.

    Args:
        samples: What to read.
        preprocessing: Steps from a file to the network's input.
        task: Says which labels the masks hold.
        batch_size: Images in a batch; the last one may be smaller.
        augment: Random changes, or None.
        shuffle: Whether every epoch has another order.
        cache: `"memory"`; the start of the path of cache files, which differ by samples and preprocessing but not by
            the pixels in the pictures; or None to read the files anew in every epoch.
        seed: Seed of the order and of the augmentation.

    Raises:
        ValueError: There are no samples, or their labels are not the task's.
    """
    if not len(samples):
        raise ValueError("There are no samples to read. Check the folder and the split: len(samples) is 0.")
    dataset = tf.data.Dataset.range(len(samples)).batch(_TOGETHER)
    dataset = dataset.map(_reader(samples, preprocessing, task), num_parallel_calls=tf.data.AUTOTUNE).unbatch()
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(samples)))
    if cache is not None:
        dataset = dataset.cache("" if cache == "memory" else _cache_file(cache, samples, preprocessing, task))
    if shuffle:
        dataset = dataset.shuffle(len(samples), seed=seed, reshuffle_each_iteration=True)
    dataset = dataset.batch(batch_size)
    if augment is not None:
        seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(2)
        dataset = tf.data.Dataset.zip(dataset, seeds)
        dataset = dataset.map(lambda pair, seed: augment(*pair, seed), num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.prefetch(tf.data.AUTOTUNE)


def read_sample(samples: Samples, index: int, preprocessing: Preprocessing, task: Segmentation) -> tuple:
    """Read one image `(*size, channels)` float32 and its mask `(*size, 1)` uint8.

    Raises:
        ValueError: The file holds a volume, or it cannot be read.
    """
    row = samples[index]
    scan = read_scan(row.image, at_least=preprocessing.size)
    if scan.is_volume:
        raise ValueError(f"{row.image} is a volume of shape {scan.shape}; this model is trained on single images.")
    annotated = (row.target.height, row.target.width)
    if annotated != scan.shape:
        raise ValueError(
            f"{row.image} has the size {scan.shape}, its annotation {annotated} (height, width). "
            "Correct the annotation file; a turned image may carry an EXIF orientation that the file ignores."
        )
    mask = preprocessing.target(row.target.mask, scan.shape)
    if task.adopt(samples.labels):
        mask = np.minimum(mask, 1)
    return preprocessing(scan.array, scan.shape), mask[..., None].astype(np.uint8, copy=False)


@contextlib.contextmanager
def reader_errors() -> Iterator[None]:
    """Raise the error of the file that could not be read, in place of TensorFlow's account of it."""
    _errors.clear()
    try:
        yield
    except tf.errors.OpError:
        if not _errors:
            raise
        raise _errors[0] from None
    finally:
        _errors.clear()


def _reader(samples: Samples, preprocessing: Preprocessing, task: Segmentation) -> Callable:
    task.adopt(samples.labels)

    def read(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            rows = [read_sample(samples, int(index), preprocessing, task) for index in indices]
        except Exception as error:
            _errors.append(error)
            raise
        images, masks = zip(*rows, strict=True)
        return np.stack(images), np.stack(masks)

    def read_in_graph(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = tf.numpy_function(read, [indices], (tf.float32, tf.uint8))
        images.set_shape((None, *preprocessing.input_shape))
        masks.set_shape((None, *preprocessing.size, 1))
        return images, masks

    return read_in_graph


def _cache_file(path: str | os.PathLike, samples: Samples, preprocessing: Preprocessing, task: Segmentation) -> str:
    """Return a name that only the same rows and steps have, so that a cache is never taken for another's."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    content = repr((samples.images, samples.targets, samples.labels, preprocessing, task.labels))
    return f"{os.fspath(path)}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
