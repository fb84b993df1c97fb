"""Rows of samples by number, each read once: files to what a network is fed with."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import numpy as np

from medzoo.data.feed.order import MIXED
from medzoo.data.feed.store import RowStore
from medzoo.data.samples import Samples
from medzoo.data.sources.masks import as_mask
from medzoo.io import as_image
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.windows import count_windows
from medzoo.task import Task
from medzoo.task.segmentation import foreground


def row_counts(samples: Samples, preprocessing: Preprocessing, task: Task) -> list[int]:
    """Return how many inputs each sample makes: one, or one for every slice in a 2D segmentation of volumes."""
    if not task.is_dense:
        return [1] * len(samples)
    return [count_windows(preprocessing, target.shape) for target in samples.targets]


def read_rows(
    samples: Samples, index: int, preprocessing: Preprocessing, task: Task, margin: int = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the inputs `(*size, channels)` float32 of one sample with their targets.

    Targets are masks `(*size, 1)` uint8, label indices `(1,)` int32, or numbers `(1,)` float32 in deviations.

    Args:
        samples: The data set.
        index: Which sample.
        preprocessing: Steps from a file to the network's input.
        task: Says what a target is.
        margin: Slices more at both ends of a stack, for their jitter.

    Raises:
        ValueError: The file cannot be read, does not fit the model, or its mask has another size; the message names it.
    """
    row = samples[index]
    windows = as_image(row.image).windows(preprocessing, row.slice, task.is_dense)
    inputs = windows.inputs(margin)
    if not task.is_dense:
        # A stack of which several neighbours are answered in prediction is one answer all the same.
        target = task.encode([row.target])
        yield from ((pixels, target) for pixels in inputs)
        return
    task.check_labels(samples.labels)
    merge = task.merges_foreground(samples.labels)
    for pixels, mask in zip(inputs, windows.targets(row.target), strict=True):
        mask = foreground(mask, len(samples.labels)) if merge else mask
        yield pixels, task.encode(mask[..., None])


# Enough that threads which read different samples seldom wait for each other.
_LOCKS = 64


class Reader:
    """Reads the rows of samples.

    Args:
        samples: What to read.
        preprocessing: Steps from a file to the network's input.
        task: Says what the targets are.
        margin: Slices more at both ends of a stack, for their jitter.
        cache: `"memory"`; the start of the path of cache files; or None to read the files anew every time.

    Attributes:
        count: Number of rows; a sample may make several.
        sample_of: Number of the sample of each row, `(count,)`.
        columns: Shape and type of an image and of a target.
    """

    def __init__(
        self,
        samples: Samples,
        preprocessing: Preprocessing,
        task: Task,
        margin: int = 0,
        cache: str | os.PathLike | None = None,
    ):
        self.samples, self.preprocessing, self.task, self.margin = samples, preprocessing, task, margin
        counts = row_counts(samples, preprocessing, task)
        self.count = sum(counts)
        self.sample_of = np.repeat(np.arange(len(samples)), counts)
        self._first = np.cumsum([0, *counts])
        target = (*preprocessing.size, 1) if task.is_dense else (1,)
        channels = preprocessing.channels + 2 * margin
        self.columns = [((*preprocessing.size, channels), np.float32), (target, task.target_dtype)]
        self._store = self._make_store(cache)
        self._locks = [Lock() for _ in range(_LOCKS)]
        # Rows of the samples read last, where each makes several and none is kept.
        self._recent: OrderedDict[int, list] = OrderedDict()

    @property
    def blocks(self) -> np.ndarray | None:
        """The sample of each row, where an order had better not jump between samples; else None."""
        return self.sample_of if self._store is None and self.count > len(self.samples) else None

    def rows(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Return images `(rows, *size, channels)` and targets `(rows, ...)` of the rows with these numbers."""
        rows = [self._row(int(number)) for number in numbers]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def _row(self, number: int) -> tuple[np.ndarray, ...]:
        sample = int(self.sample_of[number])
        place = number - int(self._first[sample])
        if self._store is None:
            return self._sample(sample)[place]
        # Balanced batches share samples, and each is read once.
        with self._locks[sample % _LOCKS]:
            if not self._store.has(number):
                for offset, row in enumerate(self._read(sample)):
                    self._store.put(int(self._first[sample]) + offset, row)
        return self._store.get(number)

    def _sample(self, sample: int) -> list[tuple[np.ndarray, ...]]:
        if self.blocks is None:
            return self._read(sample)
        # Looked up once: another thread may drop it in between.
        rows = self._recent.get(sample)
        if rows is None:
            rows = self._recent[sample] = self._read(sample)
            while len(self._recent) > MIXED:
                with contextlib.suppress(KeyError):
                    self._recent.popitem(last=False)
        return rows

    def _read(self, sample: int) -> list[tuple[np.ndarray, ...]]:
        return list(read_rows(self.samples, sample, self.preprocessing, self.task, self.margin))

    def _make_store(self, cache: str | os.PathLike | None) -> RowStore | None:
        if cache is None:
            return None
        return RowStore(self.count, self.columns, None if cache == "memory" else self._name(cache))

    def _name(self, path: str | os.PathLike) -> str:
        """Return a name that only the same rows and steps have, so that a cache is never taken for another's."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        samples = self.samples
        content = repr((samples.sources, samples.targets, samples.slices, samples.labels))
        content += repr((self.preprocessing, self.task, self.margin))
        digest = hashlib.sha256(content.encode())
        # What lies in memory has no path that tells it from other arrays.
        parts = [*map(as_image, samples.images), *filter(None, map(as_mask, samples.targets))]
        for array in (part.in_memory() for part in parts):
            if array is not None:
                digest.update(np.ascontiguousarray(array))
        return f"{os.fspath(path)}-{digest.hexdigest()[:16]}"
