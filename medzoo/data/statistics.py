"""The intensities of a data set, measured for its preprocessing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from itertools import repeat

import numpy as np

from medzoo.data.feed.packed import packed_preprocessing
from medzoo.data.samples import Samples
from medzoo.io import as_image
from medzoo.preprocessing import DATASET, Preprocessing
from medzoo.preprocessing.windows import Windows


def fit_preprocessing(preprocessing: Preprocessing, samples: Samples) -> Preprocessing:
    """Measure the mean and the deviation of all pixels of a data set, if the preprocessing normalises by them.

    Args:
        preprocessing: With `normalization="dataset"` and without a `mean`, its `mean` and `std` are measured; any other
            is returned as it is.
        samples: The training part. For a model of single slices all slices of a volume count. Packed samples keep what
            was measured before they were packed.

    Returns:
        The preprocessing with a mean and a deviation for each channel, or one for all channels of a stack.

    Raises:
        ValueError: A file cannot be read, or all pixels are equal.

    Example:
        >>> fit_preprocessing(Preprocessing((64, 64), normalization="dataset"), train).mean
        (112.4,)
    """
    if preprocessing.normalization != DATASET or preprocessing.mean is not None:
        return preprocessing
    packed = packed_preprocessing(samples)
    if packed is not None:
        return replace(preprocessing, mean=packed.mean, std=packed.std)
    identity = replace(preprocessing, mean=(0.0,), std=(1.0,))
    # In double precision, since in single precision sums of millions of squares are too coarse for a deviation.
    sums = np.zeros((3, preprocessing.channels))
    with ThreadPoolExecutor() as pool:
        for part in pool.map(lambda index: _sums(samples, index, identity), range(len(samples))):
            sums += part
    if preprocessing.stack is not None:
        sums = sums.sum(axis=1, keepdims=True)
    count, total, squares = sums
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    if not std.all():
        raise ValueError(f"All pixels of the {len(samples)} training images are {mean[0]:g}. Check the files.")
    return replace(preprocessing, mean=tuple(mean.tolist()), std=tuple(std.tolist()))


def _sums(samples: Samples, index: int, preprocessing: Preprocessing) -> np.ndarray:
    row = samples[index]
    sums = np.zeros((3, preprocessing.channels))
    windows = as_image(row.image).windows(preprocessing, row.slice, samples.task_type.is_dense)
    for pixels, counts in zip(windows.inputs(), _counts(windows), strict=False):
        flat = pixels.reshape(-1, preprocessing.channels).astype(np.float64)
        counted = counts.reshape(-1, preprocessing.channels)
        sums += [counted.sum(axis=0), (flat * counted).sum(axis=0), (flat**2 * counted).sum(axis=0)]
    return sums


def _counts(windows: Windows) -> Iterator[np.ndarray]:
    """Yield which pixels of each input count: those without a share of padding."""
    scan, steps = windows.scan, windows.preprocessing
    if scan.padding is None:
        yield from repeat(np.ones(steps.input_shape, bool), len(windows))
        return
    shares = copy(windows)
    shares.scan = replace(scan, array=scan.padding[..., None].astype(np.float32))
    shares.preprocessing = replace(steps, window=None, clip=None)
    yield from (share == 0 for share in shares.inputs())
