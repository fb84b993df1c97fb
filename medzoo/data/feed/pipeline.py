"""Batches as a `tf.data.Dataset`: files are read and images changed in parallel, ahead of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from medzoo.data.feed.balance import weigh

if TYPE_CHECKING:
    from medzoo.data.feed.batches import ArrayBatches, Batches


def tf_dataset(batches: Batches) -> tf.data.Dataset:
    """Make a dataset of batches; each iteration gives the next epoch of their order."""
    order = batches.order
    signature = (tf.TensorSpec((None,), tf.int64), tf.TensorSpec((2,), tf.int64))
    dataset = tf.data.Dataset.from_generator(lambda: order, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(order)))
    dataset = dataset.map(lambda rows, seed: (*_read(batches, rows), seed), num_parallel_calls=tf.data.AUTOTUNE)
    if batches.change is None:
        dataset = dataset.map(lambda images, targets, seed: (images, targets))
    else:
        dataset = dataset.map(batches.change, num_parallel_calls=tf.data.AUTOTUNE)
    if batches.weights is not None:
        dataset = dataset.map(lambda images, targets: (images, targets, _weigh(targets, batches.weights)))
    return dataset.prefetch(tf.data.AUTOTUNE)


def tf_lookup(batches: ArrayBatches) -> tf.data.Dataset:
    """Make a dataset of rows of arrays in memory; Python only draws their numbers, once an epoch."""
    order, arrays = batches.order, batches.arrays
    tables = [tf.constant(array.reshape(-1, *array.shape[2:])) for array in arrays]

    def draw() -> np.ndarray:
        """Return the place of each row of the next epoch in each table, `(rows, tables)`."""
        epoch = order.epoch
        rows = np.concatenate([rows for rows, _ in order])
        return np.stack([rows + epoch % len(array) * array.shape[1] for array in arrays], axis=1)

    def numbers(_: tf.Tensor) -> tf.data.Dataset:
        drawn = tf.ensure_shape(tf.numpy_function(draw, [], tf.int64), (order.count, len(arrays)))
        return tf.data.Dataset.from_tensor_slices(drawn)

    dataset = tf.data.Dataset.range(1).flat_map(numbers).batch(order.batch_size)
    dataset = dataset.map(
        lambda rows: batches.pack([tf.gather(*pair) for pair in zip(tables, tf.unstack(rows, axis=1), strict=True)])
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(order))).prefetch(tf.data.AUTOTUNE)


def _read(batches: Batches, rows: tf.Tensor) -> list[tf.Tensor]:
    tensors = tf.numpy_function(batches.read, [rows], [dtype for _, dtype in batches.columns])
    for tensor, (shape, _) in zip(tensors, batches.columns, strict=True):
        tensor.set_shape((None, *shape))
    return tensors


def _weigh(targets: tf.Tensor, weights: np.ndarray) -> tf.Tensor:
    result = tf.numpy_function(lambda values: weigh(values, weights), [targets], tf.float32)
    # Images have one weight each, masks one for every pixel.
    result.set_shape(targets.shape[:1] if targets.shape.rank == 2 else targets.shape[:-1])
    return result
