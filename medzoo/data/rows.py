"""One row of a data set to what a network is fed with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from medzoo.data.packed import PackedImage
from medzoo.data.samples import Sample, Samples
from medzoo.io import Scan, read_scan
from medzoo.preprocessing import Preprocessing
from medzoo.task import Task

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
        mask = np.minimum(mask, 1) if merge else mask
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
