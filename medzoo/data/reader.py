"""Rows of samples as tensors of tf.data."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from medzoo.data.rows import read_rows, row_counts
from medzoo.data.samples import Samples
from medzoo.preprocessing import Preprocessing
from medzoo.task import Task

# Files read in one call from TensorFlow, which costs as much as a fifth of a small picture.
_TOGETHER = 4

# What readers raised since `reader_errors` began; TensorFlow hands on no more than the text.
_errors: list[Exception] = []


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


class Reader:
    """Reads the rows of samples for tf.data.

    Args:
        samples: What to read.
        preprocessing: Steps from a file to the network's input.
        task: Says what the targets are.
        margin: Slices more at both ends of a stack, for their jitter.

    Attributes:
        count: Number of rows; a sample may make several.
        together: Number of samples that are read in one call.
        columns: Shape and type of an image and of a target.
    """

    def __init__(self, samples: Samples, preprocessing: Preprocessing, task: Task, margin: int):
        task.adopt(samples.labels)
        self.samples, self.preprocessing, self.task, self.margin = samples, preprocessing, task, margin
        counts = row_counts(samples, preprocessing, task)
        self.count = sum(counts)
        # The slices of one volume are enough for one call.
        self.together = _TOGETHER if self.count == len(samples) else 1
        target = (*preprocessing.size, 1) if task.is_dense else (1,)
        dtypes = {"segmentation": np.uint8, "classification": np.int32, "regression": np.float32}
        channels = preprocessing.channels + 2 * margin
        self.columns = [((*preprocessing.size, channels), np.float32), (target, dtypes[task.name])]

    def rows(self, index: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the images and targets of one sample."""
        try:
            return list(read_rows(self.samples, index, self.preprocessing, self.task, self.margin))
        except Exception as error:
            _errors.append(error)
            raise

    def in_graph(self, get: Callable[[int], list]) -> Callable:
        """Return the TensorFlow function from sample numbers to images and targets that `get` reads."""

        def read(indices: np.ndarray) -> list[np.ndarray]:
            rows = [row for index in indices for row in get(int(index))]
            return [np.stack(column) for column in zip(*rows, strict=True)]

        def read_in_graph(indices: tf.Tensor) -> tuple[tf.Tensor, ...]:
            tensors = tf.numpy_function(read, [indices], [dtype for _, dtype in self.columns])
            for tensor, (shape, _) in zip(tensors, self.columns, strict=True):
                tensor.set_shape((None, *shape))
            return tuple(tensors)

        return read_in_graph

    def name(self, path: str | os.PathLike) -> str:
        """Return a name that only the same rows and steps have, so that a cache is never taken for another's."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        samples = self.samples
        content = repr((samples.sources, samples.targets, samples.slices, samples.labels))
        content += repr((self.preprocessing, self.task, self.margin))
        digest = hashlib.sha256(content.encode())
        for item in (*samples.images, *samples.targets):
            # What lies in memory has no path that tells it from other arrays.
            if isinstance(getattr(item, "array", None), np.ndarray):
                digest.update(np.ascontiguousarray(item.array))
        return f"{os.fspath(path)}-{digest.hexdigest()[:16]}"
