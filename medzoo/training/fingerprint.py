"""What tells the data of a training from other data, without reading its pixels again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from medzoo.data import Samples
from medzoo.data.sources.masks import as_mask
from medzoo.data.split_files import portable_names
from medzoo.io import Image, as_image

# Values along each axis that stand for an array in memory: a mask differs in fewer places than an image.
_OF_IMAGE, _OF_MASK = 16, 64


def fingerprint(samples: Samples) -> dict[str, Any]:
    """Return what must stay the same for a training to go on: the order of the rows and their folder may change.

    Files count by their names below their common folder and their sizes, arrays by some of their values, polygons and
    run lengths by all of them.

    Args:
        samples: The training and the validation part.

    Returns:
        The number of images, the labels, and a sha256 for each of all other columns.
    """
    sizes = cache(_file_size)
    names = portable_names(samples)
    columns = {
        "names of images": names,
        "sizes or pixels of images": [_image(as_image(image), sizes) for image in samples.images],
        "targets": [_target(target, sizes) for target in samples.targets],
        # A path that stands for the patient changes with the folder.
        "patients": samples.patients if samples.has_patients else names,
        "split": samples.splits,
        "slices": [str(slice) for slice in samples.slices],
    }
    rows = sorted(zip(*columns.values(), strict=True))
    digests = {name: _digest(column) for name, column in zip(columns, zip(*rows, strict=True), strict=True)}
    return {"number of images": len(samples), "labels": list(samples.labels), **digests}


def _image(image: Image, size: Any) -> str:
    paths = image.paths()
    if paths:
        return str(sum(map(size, paths)))
    pixels = image.in_memory()
    return "" if pixels is None else _array(pixels, _OF_IMAGE)


def _target(target: Any, size: Any) -> str:
    mask = as_mask(target)
    if mask is None:
        return repr(target.item() if isinstance(target, np.generic) else target)
    if path := mask.own_file():
        return f"{os.path.basename(path)} {size(path)}"
    values = mask.in_memory()
    if values is not None:
        return _array(values, _OF_MASK)
    text = repr(mask) if dataclasses.is_dataclass(mask) else ""
    # An object without a text of its own says only where it lies in memory.
    return _digest([text]) if text and " at 0x" not in text else repr(mask.listed())


def _array(array: np.ndarray, most: int) -> str:
    steps = tuple(slice(None, None, -(-size // most) or 1) for size in array.shape)
    values = np.ascontiguousarray(array[steps])
    return f"{array.shape} {array.dtype.str} {hashlib.sha256(values.tobytes()).hexdigest()}"


def _file_size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        # Whoever reads it says what is wrong.
        return -1


def _digest(column: Iterable[str]) -> str:
    return hashlib.sha256(json.dumps(list(column), ensure_ascii=True).encode()).hexdigest()
