"""Samples to batches, through the same Preprocessing that `medzoo.predict` uses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from medzoo.data.augment import Augmentation
from medzoo.data.augment.backend import ops_of
from medzoo.data.feed.balance import class_weights, weigh
from medzoo.data.feed.order import Order
from medzoo.data.feed.reader import Column, Reader
from medzoo.data.samples import Samples, check_task
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Balance
from medzoo.task import Task

if TYPE_CHECKING:
    import tensorflow as tf

Change = Callable[[Any, Any, Any], tuple[Any, Any]]


class Batches(keras.utils.PyDataset):
    """Batches for `fit`, in the order of an `Order`, from NumPy; TensorFlow is not needed.

    Args:
        order: Rows and seed of every batch.
        read: Returns images and targets of row numbers.
        columns: Shape and type of a row of either.
        change: Changes images and targets, given a seed: tensors in, tensors out.
        weights: Weight of each label in the loss, or None.

    Attributes:
        error: The first error of `read`, of which TensorFlow passes on the text only; see `reader_errors`.
    """

    def __init__(
        self,
        order: Order,
        read: Callable[[np.ndarray], list[np.ndarray]],
        columns: Sequence[Column],
        change: Change | None = None,
        weights: np.ndarray | None = None,
    ):
        super().__init__()
        self.order, self.columns, self.change, self.weights = order, columns, change, weights
        self.error: Exception | None = None
        self._read = read
        self._drawn: tuple[int, list] = (-1, [])

    def read(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return images and targets of the rows with these numbers."""
        try:
            return self._read(rows)
        except Exception as error:
            self.error = self.error or error
            raise

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self.order)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Return images and targets, and weights if there are any, of a batch of the epoch of `order`."""
        rows, seed = self.batch(index)
        images, targets = self.read(rows)
        if self.change is not None:
            tensor = keras.ops.convert_to_tensor
            images, targets = map(keras.ops.convert_to_numpy, self.change(tensor(images), tensor(targets), seed))
        return (images, targets) if self.weights is None else (images, targets, weigh(targets, self.weights))

    def batch(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and seed of a batch of the epoch of `order`."""
        epoch, drawn = self._drawn
        if epoch != self.order.epoch:
            epoch, drawn = self._drawn = self.order.epoch, list(self.order.batches(self.order.epoch))
        return drawn[index]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        self.order.advance()

    def tf_dataset(self) -> tf.data.Dataset:
        """Return the same batches as a `tf.data.Dataset`, which reads and changes them in parallel."""
        from medzoo.data.feed.pipeline import tf_dataset

        return tf_dataset(self)

    @cached_property
    def feed(self) -> Any:
        """What `fit` is given: the `tf.data.Dataset` where TensorFlow is installed, else these batches."""
        try:
            return self.tf_dataset()
        except ImportError:
            return self


class ArrayBatches(Batches):
    """Batches of rows of arrays in memory, such as features, which are so small that feeding must cost almost nothing.

    Args:
        order: Rows of every batch.
        inputs: Arrays `(views, rows, ...)`; every epoch takes another view, in turn.
        targets: `(rows, ...)`.
        weights: Weight of each row in the loss, `(rows,)`, or None.
    """

    def __init__(self, order: Order, inputs: list[np.ndarray], targets: np.ndarray, weights: np.ndarray | None = None):
        super().__init__(order, self._look_up, [])
        self.arrays = [*inputs, targets[None], *([] if weights is None else [weights[None]])]
        self._inputs = len(inputs)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Return inputs, targets and weights of a batch of the epoch of `order`."""
        rows, _ = self.batch(index)
        return self.pack(self._look_up(rows))

    def pack(self, columns: list[Any]) -> tuple[Any, ...]:
        """Return rows of all arrays as what `fit` takes."""
        inputs = columns[0] if self._inputs == 1 else tuple(columns[: self._inputs])
        return (inputs, *columns[self._inputs :])

    def _look_up(self, rows: np.ndarray) -> list[np.ndarray]:
        return [array[self.order.epoch % len(array)][rows] for array in self.arrays]

    def tf_dataset(self) -> tf.data.Dataset:
        """Return the same batches as a `tf.data.Dataset`, which looks them up in its graph."""
        from medzoo.data.feed.pipeline import tf_lookup

        return tf_lookup(self)


@contextlib.contextmanager
def reader_errors(*batches: Batches) -> Iterator[None]:
    """Raise the error of the file that could not be read, in place of the backend's report of it.

    Args:
        batches: What the block reads.
    """
    for each in batches:
        each.error = None
    try:
        yield
    except Exception:
        errors = [each.error for each in batches if each.error is not None]
        if not errors:
            raise
        raise errors[0] from None


def make_batches(
    samples: Samples,
    preprocessing: Preprocessing,
    task: Task,
    batch_size: int = 8,
    augment: Augmentation | None = None,
    shuffle: bool = False,
    cache: str | os.PathLike | None = "memory",
    seed: int = 0,
    balance: Mapping[str, Any] | None = None,
    multiple: int = 1,
) -> Batches:
    """Make batches of images `(batch, *size, channels)` float32 and targets.

    Targets are masks `(batch, *size, 1)` uint8, label indices `(batch, 1)` int32, or numbers `(batch, 1)` float32 in
    deviations; with class weights a third part holds the weight of every image or pixel. A 2D segmentation takes every
    slice of a volume.

    Files are decoded once: the steps before the augmentation are cached. Seed and number of an epoch decide its order
    and its pixels; every epoch has its own.

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
        balance: What is done about rare labels, the field of a recipe; balanced sampling replaces `shuffle`.
        multiple: Number of devices that share a batch; see `Order`.

    Raises:
        ValueError: There are no samples, their targets or labels are not the task's, or a field of `balance` is wrong.
    """
    samples = _check(samples, preprocessing, task, augment)
    parts = Balance.from_json(balance or {})
    parts.check_task(task)
    preprocessing = preprocessing.for_training
    reader = Reader(samples, preprocessing, task, augment.slice_jitter if augment else 0, cache)
    strata = samples.targets if parts.sampling else None
    order = Order(reader.count, batch_size, seed, shuffle, strata, multiple, reader.blocks)
    weights = parts.class_weights
    read, columns = _shares(reader, task) if augment is not None and augment.mixup else (reader.rows, reader.columns)
    return Batches(
        order,
        read,
        columns,
        None if augment is None else _change(augment, preprocessing, task),
        None if weights is None else class_weights(samples, weights),
    )


def _shares(reader: Reader, task: Task) -> tuple[Callable[[np.ndarray], list[np.ndarray]], list[Column]]:
    """Return what reads targets as shares of labels, which can be mixed: `(batch, outputs)` float32."""

    def read(rows: np.ndarray) -> list[np.ndarray]:
        images, targets = reader.rows(rows)
        one_hot = task.outputs > 1
        shares = np.eye(task.outputs, dtype=np.float32)[targets[:, 0]] if one_hot else targets.astype(np.float32)
        return [images, shares]

    return read, [reader.columns[0], ((task.outputs,), np.float32)]


def _change(augment: Augmentation, preprocessing: Preprocessing, task: Task) -> Change:
    statistics = preprocessing.mean, preprocessing.std
    jitter, changes = Augmentation(slice_jitter=augment.slice_jitter), replace(augment, slice_jitter=0)

    def change(images: Any, targets: Any, seed: Any) -> tuple[Any, Any]:
        if augment.slice_jitter:
            images, _ = jitter(images, targets, seed)
            if preprocessing.has_channel_statistics:
                mean, std = (ops_of(images).convert_to_tensor(np.array(value, np.float32)) for value in statistics)
                images = (images - mean) / std
        return changes(images, targets, seed)

    return change


def _check(samples: Samples, preprocessing: Preprocessing, task: Task, augment: Augmentation | None) -> Samples:
    if not len(samples):
        raise ValueError("There are no samples to read. Check the folder and the split: len(samples) is 0.")
    samples = check_task(samples, task)
    if augment is not None and augment.mixup and task.is_dense:
        raise ValueError("Mixup mixes labels or numbers of images, which masks are not. Set `mixup` to 0.")
    if augment is not None and augment.slice_jitter and preprocessing.stack is None:
        raise ValueError("`slice_jitter` shifts a stack of slices. Set Preprocessing(stack=Stack()), or leave it out.")
    return samples
