"""Rows of samples by number, each read once and kept: files to what a network is fed with."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import TypeVar

import numpy as np

from medzoo.data.feed.order import MIXED
from medzoo.data.samples import Samples
from medzoo.data.sources.masks import as_mask
from medzoo.entry.untrusted import damage_named
from medzoo.files import atomic_file
from medzoo.io import as_image
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.tiles import Patches, Tiles
from medzoo.preprocessing.windows import count_windows
from medzoo.task import Task
from medzoo.task.segmentation import foreground

# A row: its image and target. And shape and type of either.
Row = tuple[np.ndarray, ...]
Column = tuple[tuple[int, ...], type[np.generic]]


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
    if isinstance(windows, Tiles):
        windows = Patches(windows.scan, preprocessing, row.target, len(samples.labels))
    inputs = windows.inputs(margin)
    if not task.is_dense:
        # In prediction several neighbours of a stack may be averaged; in training it is one input with one target.
        target = task.encode([row.target])
        yield from ((pixels, target) for pixels in inputs)
        return
    task.check_labels(samples.labels)
    merge = task.merges_foreground(samples.labels)
    for pixels, mask in zip(inputs, windows.targets(row.target), strict=True):
        mask = foreground(mask, len(samples.labels)) if merge else mask
        yield pixels, task.encode(mask[..., None])


# So many that threads which read different samples seldom wait for each other.
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
        self.columns: list[Column] = [((*preprocessing.size, channels), np.float32), (target, task.target_dtype)]
        self._store = self._make_store(cache)
        self._locks = [Lock() for _ in range(_LOCKS)]
        # The samples that were read last, where each makes several rows and none is kept.
        self._recent: OrderedDict[int, list[Row]] = OrderedDict()

    @property
    def blocks(self) -> np.ndarray | None:
        """The sample of each row, where an order should not jump between samples; else None."""
        return self.sample_of if self._store is None and self.count > len(self.samples) else None

    def rows(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Return images `(rows, *size, channels)` and targets `(rows, ...)` of the rows with these numbers."""
        rows = [self._row(int(number)) for number in numbers]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def _row(self, number: int) -> Row:
        sample = int(self.sample_of[number])
        place = number - int(self._first[sample])
        if self._store is None:
            return self._sample(sample)[place]
        # Balanced batches share samples; the lock lets each be read once.
        with self._locks[sample % _LOCKS]:
            if not self._store.has(number):
                for offset, row in enumerate(self._read(sample)):
                    self._store.put(int(self._first[sample]) + offset, row)
        return self._store.get(number)

    def _sample(self, sample: int) -> list[Row]:
        if self.blocks is None:
            return self._read(sample)
        # One look-up, since another thread may drop it before a second.
        rows = self._recent.get(sample)
        if rows is None:
            rows = self._recent[sample] = self._read(sample)
            while len(self._recent) > MIXED:
                with contextlib.suppress(KeyError):
                    self._recent.popitem(last=False)
        return rows

    def _read(self, sample: int) -> list[Row]:
        return list(read_rows(self.samples, sample, self.preprocessing, self.task, self.margin))

    def _make_store(self, cache: str | os.PathLike | None) -> RowStore | None:
        if cache is None:
            return None
        return RowStore(self.count, self.columns, None if cache == "memory" else self._name(cache))

    def _name(self, path: str | os.PathLike) -> str:
        """Return a name that only equal rows and steps have, so that no cache is taken for another."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        samples = self.samples
        content = repr((samples.sources, samples.targets, samples.slices, samples.labels))
        content += repr((self.preprocessing, self.task, self.margin))
        digest = hashlib.sha256(content.encode())
        # Arrays in memory have no path to tell them from others.
        arrays = [as_image(image).in_memory() for image in samples.images]
        arrays += [mask.in_memory() for mask in map(as_mask, samples.targets) if mask]
        for array in arrays:
            if array is not None:
                digest.update(np.ascontiguousarray(array).data)
        return f"{os.fspath(path)}-{digest.hexdigest()[:16]}"


class RowStore:
    """Rows of several arrays, each made once and then read in any order, while one data set feeds one training.

    Rows have numbers and are read in place, in microseconds. `medzoo.features.store`, which keeps rows for any number
    of data sets and processes by the content of images, takes ten times as long.

    Args:
        count: Number of rows.
        columns: Shape and type of a row of each array.
        path: Start of the names of memory-mapped files; None for arrays in memory, which fill as rows are read.
    """

    def __init__(self, count: int, columns: Sequence[Column], path: str | os.PathLike | None = None):
        columns = [*columns, ((), np.bool_)]
        self._arrays = [
            np.zeros((count, *shape), dtype) if path is None else _map(f"{path}-{number}.npy", (count, *shape), dtype)
            for number, (shape, dtype) in enumerate(columns)
        ]

    def has(self, index: int) -> bool:
        """Return whether a row was put in."""
        return bool(self._arrays[-1][index])

    def put(self, index: int, values: Row) -> None:
        """Put a row in."""
        *arrays, filled = self._arrays
        for array, value in zip(arrays, values, strict=True):
            array[index] = value
        # Last, so that a process killed in between leaves no row that looks complete.
        filled[index] = True

    def get(self, index: int) -> Row:
        """Return a row that was put in."""
        return tuple(array[index] for array in self._arrays[:-1])


def _map(path: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if not os.path.exists(path):
        with atomic_file(path) as temporary:
            # Zeros: no row is filled.
            np.lib.format.open_memmap(temporary, "w+", dtype, shape)
            _reserve(temporary)
    with damage_named(path, "array of rows", "Delete its folder; it is made again."):
        return np.load(path, mmap_mode="r+")


def _reserve(path: Path) -> None:
    """Reserve the space of a file now, where the system can: a disk that fills later would kill the process."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_THREADS = 32


def read_ahead(read: Callable[[Item], Result], items: Iterable[Item], count: int) -> Iterator[Result]:
    """Read items in threads, a few ahead of the caller, and yield the results in the order of the items.

    Only a few results wait, so memory does not grow with the number of items, as it would with `Executor.map`.

    Args:
        read: Called in threads; its error is raised in place of the result.
        items: What to read; iterated in the thread of the caller.
        count: How many results are made ahead, at least 1.

    Example:
        >>> list(read_ahead(str, range(3), count=2))
        ['0', '1', '2']
    """
    waiting = iter(items)
    with ThreadPoolExecutor(min(count, _MOST_THREADS)) as pool:
        futures = deque(pool.submit(read, item) for item in islice(waiting, count))
        while futures:
            result = futures.popleft().result()
            futures.extend(pool.submit(read, item) for item in islice(waiting, 1))
            yield result
