"""Samples to one file of preprocessed inputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from medzoo import __version__
from medzoo.data.feed.packed_file import PACKED_SUFFIX, Row, encode, write_packed
from medzoo.data.feed.reader import read_ahead, read_rows, row_counts
from medzoo.data.samples import Samples, check_task
from medzoo.data.split_files import portable_names
from medzoo.data.splits import strata_of
from medzoo.files import atomic_file
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.checks import TILE
from medzoo.progress import track
from medzoo.task import Task

# Bytes that may be in memory at a time, and how often an input is there on its way to the file.
_BUFFER = 2**29
_COPIES = 4


@dataclass(frozen=True)
class Packing:
    """What a file of `prepare` holds.

    Args:
        images: Number of images.
        inputs: Number of inputs; an image may make several.
        exact: Number of inputs that are kept exactly, in 8 bits; the others are within 1/32766 of their range.
        raw_bytes: What inputs and masks are in memory, as float32 and uint8.
        bytes: Size of the file.
    """

    images: int
    inputs: int
    exact: int
    raw_bytes: int
    bytes: int

    def __str__(self) -> str:
        return (
            f"{self.images} images, {self.inputs} inputs as uint16: {self.exact} exact in 8 bits, "
            f"{self.inputs - self.exact} in 14 bits (error <= 1/32766 of an input's range)\n"
            f"{self.raw_bytes / 1e6:.2f} MB of float32 in {self.bytes / 1e6:.2f} MB: "
            f"ratio {self.raw_bytes / self.bytes:.1f}"
        )


def prepare(
    samples: Samples, preprocessing: Preprocessing, task: Task, path: str | os.PathLike, margin: int = 0
) -> Packing:
    """Write the preprocessed inputs and the targets of a data set into one file, from which any backend can train.

    Inputs are written one by one, so the data set may be larger than the memory. They are kept as whole
    numbers of 16 bits, compressed: exactly where they have up to 256 even steps, else to 1/32766 of the input's range.
    The file holds names, patients and splits, but no folder of this machine, and is written whole or not at all.

    Args:
        samples: The data set.
        preprocessing: Steps from a file to the network's input; one with `normalization="dataset"` must be fitted
            (`medzoo.data.fit_preprocessing` on the training part).
        task: Says what the targets are.
        path: The file, with the suffix .h5.
        margin: The `slice_jitter` of the recipe's augmentation: so many more slices at both ends of a stack.

    Raises:
        ValueError: There are no samples, they do not fit the task, or an image cannot be read; the message names it.

    Example:
        >>> prepare(data, recipe.preprocessing, recipe.task, "brain.h5")
        >>> train, valid = medzoo.data.read("brain.h5").split(valid=0.2)

    Source: HDF5 with one chunk for each input, gzip and a checksum: https://docs.h5py.org/en/stable/high/dataset.html
    """
    samples = _check(samples, preprocessing, task, path, margin)
    if preprocessing.fit == TILE:
        raise ValueError("Tiles are cut from whole scans, which are not packed. Train from the files: fit='tile'.")
    preprocessing = preprocessing.for_training
    if task.is_dense:
        # The labels of the data; they are merged for the model when the file is read.
        task = samples.task
    counts = row_counts(samples, preprocessing, task)
    shape = (sum(counts), *preprocessing.size, preprocessing.channels + 2 * margin)
    read = partial(_rows, samples, preprocessing, task, margin)
    rows = track(_all_rows(read, counts, 4 * _COPIES * int(np.prod(shape[1:]))), "Packing", shape[0])
    index = _index(samples, preprocessing, task, margin, counts)
    with atomic_file(path) as temporary:
        exact = write_packed(temporary, rows, shape, task.is_dense, index)
        size = os.path.getsize(temporary)
    raw = 4 * int(np.prod(shape)) + task.is_dense * int(np.prod(shape[:-1]))
    return Packing(len(samples), shape[0], exact, raw, size)


def _check(samples: Samples, preprocessing: Preprocessing, task: Task, path: str | os.PathLike, margin: int) -> Samples:
    if os.path.splitext(path)[1].lower() != PACKED_SUFFIX:
        raise ValueError(f"The file must have the suffix {PACKED_SUFFIX}. Received: {os.fspath(path)}.")
    if not len(samples):
        raise ValueError("There are no samples to pack. Check the folder and the split: len(samples) is 0.")
    samples = check_task(samples, task)
    if margin and preprocessing.stack is None:
        raise ValueError("`slice_jitter` shifts a stack of slices. Set Preprocessing(stack=Stack()), or leave it out.")
    if margin and preprocessing.has_channel_statistics and preprocessing.fit != "stretch":
        raise ValueError(
            "Stacks with jitter and a mean for each channel can be packed with fit='stretch' only, since black borders "
            f"would be shifted. Received: fit='{preprocessing.fit}'. Give one mean and std, or train from the files."
        )
    return samples


def _rows(samples: Samples, preprocessing: Preprocessing, task: Task, margin: int, index: int) -> Iterator[Row]:
    """Yield the inputs of one sample as codes, with their targets."""
    for image, target in read_rows(samples, index, preprocessing, task, margin):
        try:
            yield encode(image), target
        except ValueError as error:
            raise ValueError(f"{samples.sources[index]}: {error}") from error


def _all_rows(read: Callable[[int], Iterator[Row]], counts: list[int], row_bytes: int) -> Iterator[Row]:
    """Yield the rows of all samples; several samples are read at a time where memory allows."""
    ahead = min(os.cpu_count() or 1, _BUFFER // (max(counts) * row_bytes))
    if ahead < 2:
        for index in range(len(counts)):
            yield from read(index)
        return
    for rows in read_ahead(lambda index: list(read(index)), range(len(counts)), ahead):
        yield from rows


def _index(
    samples: Samples, preprocessing: Preprocessing, task: Task, margin: int, counts: list[int]
) -> dict[str, Any]:
    names = dict(zip(samples.sources, _names(samples), strict=True))
    rows = zip(samples.patients, samples.sources, strict=True)
    targets = strata_of(samples.targets) if task.is_dense else np.array(samples.targets).tolist()
    return {
        "medzoo": __version__,
        "task": task.to_json(),
        "preprocessing": preprocessing.to_json(),
        "margin": margin,
        "labels": samples.labels,
        "sources": [names[source] for source in samples.sources],
        # As in Samples: an image without a patient is its own patient.
        "patients": [names[source] if patient == source else patient for patient, source in rows],
        "splits": samples.splits,
        "slices": [None if index is None else int(index) for index in samples.slices],
        "targets": targets,
        "counts": counts,
    }


def _names(samples: Samples) -> list[str]:
    """Return the path of each image below the folder of all; without such a folder, as much of its end as is unique."""
    names = portable_names(samples)
    pairs = list(zip(names, samples.sources, strict=True))
    if not any(os.path.isabs(source) and len(source) - len(name) <= len(Path(source).anchor) for name, source in pairs):
        return names
    paths = [Path(source).parts for source in samples.sources]
    most = max(map(len, paths))
    cuts = (["/".join(path[-count:]) for path in paths] for count in range(1, most + 1))
    return next(cut for cut in cuts if len(set(cut)) == len(set(paths)))
