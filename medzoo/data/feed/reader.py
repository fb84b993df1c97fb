"""Rows of samples by number, each read once: files to what a network is fed with."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Lock

import cv2
import numpy as np

from medzoo.data.feed.order import MIXED
from medzoo.data.feed.packed import PackedImage
from medzoo.data.feed.store import RowStore
from medzoo.data.samples import Sample, Samples
from medzoo.io import Scan, read_scan
from medzoo.preprocessing import Preprocessing
from medzoo.task import Task
from medzoo.task.ignored import foreground

Inputs = Iterator[np.ndarray]


def row_counts(samples: Samples, preprocessing: Preprocessing, task: Task) -> list[int]:
    """Return how many inputs each sample makes: one, or one for every slice in a 2D segmentation of volumes."""
    if not task.is_dense or len(preprocessing.size) == 3:
        return [1] * len(samples)
    return [target.shape[0] if len(target.shape) == 3 else 1 for target in samples.targets]


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
    get = _packed if isinstance(row.image, PackedImage) else _from_file
    inputs, masks = get(row, preprocessing, task, margin)
    if not task.is_dense:
        # A stack of which several neighbours are answered in prediction is one answer all the same.
        value = np.array([row.target])
        target = task.encode(value) if task.name == "regression" else value.astype(np.int32)
        yield from ((pixels, target) for pixels in inputs)
        return
    merge = task.adopt(samples.labels)
    for pixels, mask in zip(inputs, masks, strict=True):
        mask = foreground(mask, len(samples.labels)) if merge else mask
        yield pixels, mask[..., None].astype(np.uint8, copy=False)


def _packed(row: Sample, preprocessing: Preprocessing, task: Task, margin: int) -> tuple[Inputs, Iterable]:
    return row.image.inputs(preprocessing, margin), row.target.each() if task.is_dense else ()


def _from_file(row: Sample, preprocessing: Preprocessing, task: Task, margin: int) -> tuple[Inputs, Iterable]:
    scan = read_scan(row.image, at_least=preprocessing.at_least)
    inputs = preprocessing.inputs(scan, row.slice, task.is_dense, margin)
    return inputs, _masks(row, scan, preprocessing) if task.is_dense else ()


def _masks(row: Sample, scan: Scan, preprocessing: Preprocessing) -> Iterator[np.ndarray]:
    """Yield the label indices `(*size)` for each input of a scan."""
    _check_shape(row, scan)
    centers = preprocessing.centers(scan, row.slice, every_slice=True)
    whole = None if centers == [None] else row.target.mask(None)
    for center in centers:
        if center is None:
            yield preprocessing.target(row.target.mask, scan.shape, scan.spacing)
        else:
            yield preprocessing.target(_nearest(whole[center]), scan.shape[1:], scan.spacing and scan.spacing[1:])


def _nearest(mask: np.ndarray) -> Callable[[tuple[int, int]], np.ndarray]:
    return lambda size: cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _check_shape(row: Sample, scan: Scan) -> None:
    if tuple(row.target.shape) != scan.shape:
        axes = "(depth, height, width)" if scan.is_volume else "(height, width)"
        raise ValueError(
            f"{scan.source} has the size {scan.shape}, its annotation {tuple(row.target.shape)} {axes}. "
            "Correct the annotation file; a turned image may carry an EXIF orientation that the file ignores."
        )


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
        task.adopt(samples.labels)
        self.samples, self.preprocessing, self.task, self.margin = samples, preprocessing, task, margin
        counts = row_counts(samples, preprocessing, task)
        self.count = sum(counts)
        self.sample_of = np.repeat(np.arange(len(samples)), counts)
        self._first = np.cumsum([0, *counts])
        target = (*preprocessing.size, 1) if task.is_dense else (1,)
        dtypes = {"segmentation": np.uint8, "classification": np.int32, "regression": np.float32}
        channels = preprocessing.channels + 2 * margin
        self.columns = [((*preprocessing.size, channels), np.float32), (target, dtypes[task.name])]
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
        for item in (*samples.images, *samples.targets):
            # What lies in memory has no path that tells it from other arrays.
            if isinstance(getattr(item, "array", None), np.ndarray):
                digest.update(np.ascontiguousarray(item.array))
        return f"{os.fspath(path)}-{digest.hexdigest()[:16]}"
