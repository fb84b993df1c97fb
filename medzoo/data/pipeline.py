"""Samples to batches with tf.data, through the same Preprocessing that `medzoo.predict` uses."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import tensorflow as tf

from medzoo.data.augment import Augmentation
from medzoo.data.balance import balanced_rows, check_balance, class_weights
from medzoo.data.reader import Reader
from medzoo.data.samples import Samples
from medzoo.data.store import RowStore
from medzoo.preprocessing import Preprocessing
from medzoo.task import Task

# Keras warns, at every `fit` on a dataset, of its own default for an argument that nobody passed.
warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored", category=UserWarning)

# Slices of volumes that are not in memory are shuffled in a moving window of so many.
_WINDOW = 1000


def make_dataset(
    samples: Samples,
    preprocessing: Preprocessing,
    task: Task,
    batch_size: int = 8,
    augment: Augmentation | None = None,
    shuffle: bool = False,
    cache: str | os.PathLike | None = "memory",
    seed: int = 0,
    balance: Mapping[str, Any] | None = None,
) -> tf.data.Dataset:
    """Make batches of images `(batch, *size, channels)` float32 and targets.

    Targets are masks `(batch, *size, 1)` uint8, label indices `(batch, 1)` int32, or numbers `(batch, 1)` float32 in
    deviations; with class weights a third part holds the weight of every image or pixel. A 2D segmentation takes every
    slice of a volume.

    Files are decoded in parallel and once: what comes before the augmentation is cached. The same seed gives the same
    order and pixels; every epoch has its own.

    Args:
        samples: What to read.
        preprocessing: Steps from a file to the network's input.
        task: Says what the targets are.
        batch_size: Images in a batch; the last one may be smaller.
        augment: Random changes, or None.
        shuffle: Whether every epoch has another order.
        cache: `"memory"`; the start of the path of cache files, which differ by samples and preprocessing but not by
            the pixels in the pictures; or None to read the files anew in every epoch.
        seed: Seed of the order and of the augmentation.
        balance: What is done about rare labels, the field of a recipe; sampling takes place of the order.

    Raises:
        ValueError: There are no samples, their targets or labels are not the task's, or a field of `balance` is wrong.
    """
    _check(samples, preprocessing, task, augment)
    balance = balance or {}
    check_balance(balance)
    if preprocessing.stack is not None:
        # Averaging is for prediction: an epoch sees one stack of each volume.
        preprocessing = replace(preprocessing, stack=replace(preprocessing.stack, average=1))
    read = Reader(samples, preprocessing, task, augment.slice_jitter if augment else 0)
    if balance.get("sampling"):
        dataset = _balanced(read, cache, seed)
    else:
        dataset = _every_row(read, cache, seed if shuffle else None)
    dataset = dataset.batch(batch_size)
    if augment is not None:
        dataset = _augmented(dataset, augment, preprocessing, task, seed)
    if balance.get("class_weights") is not None:
        weights = tf.constant(class_weights(samples, balance["class_weights"]))
        dataset = dataset.map(lambda images, targets: (images, targets, _weigh(targets, weights)))
    return dataset.prefetch(tf.data.AUTOTUNE)


def _every_row(read: Reader, cache: str | os.PathLike | None, seed: int | None) -> tf.data.Dataset:
    """Return every row once, with a seed in another order in every epoch."""
    shuffle = {"seed": seed, "reshuffle_each_iteration": True}
    numbers = tf.data.Dataset.range(len(read.samples))
    if cache != "memory" and read.count == len(read.samples):
        # Numbers are shuffled, not rows: a buffer of rows would hold the data set that no memory was to hold.
        numbers = numbers if seed is None else numbers.shuffle(read.count, **shuffle)
        return _rows(read, numbers, read.rows if cache is None else _stored(read, cache))
    dataset = _rows(read, numbers, read.rows)
    if cache is not None:
        dataset = dataset.cache("" if cache == "memory" else read.name(cache))
    window = read.count if cache == "memory" else min(read.count, _WINDOW)
    return dataset if seed is None else dataset.shuffle(window, **shuffle)


def _rows(read: Reader, numbers: tf.data.Dataset, get: Callable[[int], list]) -> tf.data.Dataset:
    dataset = numbers.batch(read.together).map(read.in_graph(get), num_parallel_calls=tf.data.AUTOTUNE).unbatch()
    return dataset.apply(tf.data.experimental.assert_cardinality(read.count))


def _stored(read: Reader, cache: str | os.PathLike) -> Callable[[int], list]:
    """Return a reader that keeps what it read, in memory or in files."""
    store = RowStore(read.count, read.columns, None if cache == "memory" else read.name(cache))
    return lambda index: [store.get(index, lambda: read.rows(index)[0])]


def _balanced(read: Reader, cache: str | os.PathLike | None, seed: int) -> tf.data.Dataset:
    if read.task.name != "classification":
        raise ValueError(
            f"Balanced sampling draws labels of images; the task is {read.task.name}. "
            "Leave 'sampling' out of the recipe's `balance`."
        )
    numbers = balanced_rows(read.samples.targets, seed)
    return _rows(read, numbers, read.rows if cache is None else _stored(read, cache))


def _augmented(
    dataset: tf.data.Dataset, augment: Augmentation, preprocessing: Preprocessing, task: Task, seed: int
) -> tf.data.Dataset:
    jitter, changes = Augmentation(slice_jitter=augment.slice_jitter), replace(augment, slice_jitter=0)

    def change(pair: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, targets = pair
        if augment.slice_jitter:
            images, _ = jitter(images, targets, seed)
            if preprocessing.has_channel_statistics:
                images = (images - tf.constant(preprocessing.mean, tf.float32)) / tf.constant(
                    preprocessing.std, tf.float32
                )
        if augment.mixup:
            targets = _shares(targets, task)
        return changes(images, targets, seed)

    seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(2)
    dataset = tf.data.Dataset.zip(dataset, seeds)
    return dataset.map(change, num_parallel_calls=tf.data.AUTOTUNE)


def _shares(targets: tf.Tensor, task: Task) -> tf.Tensor:
    """Turn label indices `(batch, 1)` into shares of labels, which can be mixed."""
    if task.outputs == 1:
        return tf.cast(targets, tf.float32)
    return tf.one_hot(targets[..., 0], task.outputs)


def _weigh(targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return the weight of every image `(batch,)` or pixel `(batch, *size)`, of indices or shares of labels."""
    if targets.dtype.is_floating and targets.shape[-1] == weights.shape[0]:
        return tf.linalg.matvec(targets, weights)
    if targets.dtype.is_floating:
        return (weights[0] * (1 - targets) + weights[1] * targets)[..., 0]
    return tf.gather(weights, tf.cast(targets[..., 0], tf.int32))


def _check(samples: Samples, preprocessing: Preprocessing, task: Task, augment: Augmentation | None) -> None:
    if not len(samples):
        raise ValueError("There are no samples to read. Check the folder and the split: len(samples) is 0.")
    if not task.labels:
        # Says that features have no targets at all.
        task.adopt(samples.labels)
    if samples.kind != task.name:
        raise ValueError(
            f"The samples have targets of {samples.kind}, the model's task is {task.name}. Read the data with its "
            f"targets of {task.name}, or take another model."
        )
    if augment is not None and augment.mixup and task.is_dense:
        raise ValueError("Mixup mixes labels or numbers of images, which masks are not. Set `mixup` to 0.")
    if augment is not None and augment.slice_jitter and preprocessing.stack is None:
        raise ValueError("`slice_jitter` shifts a stack of slices. Set Preprocessing(stack=Stack()), or leave it out.")
