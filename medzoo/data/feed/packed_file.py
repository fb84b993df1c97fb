"""The file of `medzoo prepare`: preprocessed inputs and masks in HDF5, one chunk each, images in 16 bits.

It is small, written once, and can be carried to another machine. Rows that a training has just read on this machine
are in `medzoo.data.feed.reader.RowStore`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from medzoo.io.image import damaged
from medzoo.io.limits import check_size
from medzoo.preprocessing import Preprocessing

# Steps of an image that is not made of few values: as large in a compressed file as float16, and finer in most places.
LEVELS = 2**14 - 1
# Steps of a picture of 8 bits, which is kept exactly.
EXACT_LEVELS = 255
_EXACT = 1e-6
_THINNED = 4096


class Codes(NamedTuple):
    """An image `low + step * numbers`, with the count of steps from its lowest to its highest value."""

    numbers: np.ndarray
    low: float
    step: float
    levels: int


def encode(image: np.ndarray) -> Codes:
    """Return an image as whole numbers, uint16.

    Where all its values lie on at most 256 even steps, as in a picture of 8 bits that is only rescaled, they are kept
    to the precision of float32. Else the error is at most half a step, 1/32766 of the image's range.

    Raises:
        ValueError: A value is NaN or infinite.

    Example:
        >>> encode(np.float32([0, 0.5, 1])).numbers
        array([0, 1, 2], dtype=uint16)
    """
    low, high = float(image.min()), float(image.max())
    if not np.isfinite(high - low):
        raise ValueError("some values of the input are NaN or infinite. Check the file and the preprocessing.")
    levels = _exact_levels(image, low, high) or LEVELS
    step = (high - low) / levels
    if not step:
        return Codes(np.zeros(image.shape, np.uint16), low, 0.0, 0)
    # In place, since an image may be a large volume.
    numbers = image - np.float32(low)
    numbers /= np.float32(step)
    return Codes(np.clip(np.rint(numbers, out=numbers), 0, levels, out=numbers).astype(np.uint16), low, step, levels)


def decode(numbers: np.ndarray, low: float, step: float) -> np.ndarray:
    """Return the image of whole numbers, float32."""
    image = numbers.astype(np.float32)
    image *= np.float32(step)
    image += np.float32(low)
    return image


def _exact_levels(image: np.ndarray, low: float, high: float) -> int | None:
    """Return the number of even steps that all values lie on, if it is at most 255."""
    thin = image.reshape(-1)[:: -(-image.size // _THINNED)]
    if len(np.unique(thin)) > EXACT_LEVELS + 1:
        return None
    values = np.unique(image).astype(np.float64)
    if not 2 <= len(values) <= EXACT_LEVELS + 1:
        return None
    levels = round((high - low) / np.diff(values).min())
    places = (values - low) / (high - low) * levels
    is_exact = levels <= EXACT_LEVELS and np.abs(places - np.rint(places)).max() <= _EXACT * levels
    return levels if is_exact else None


PACKED_SUFFIX = ".h5"
Row = tuple[Codes, np.ndarray]

_FORMAT = 1
_MARK, _HEAD = "medzoo_packed", "head"
_AGAIN = "Run medzoo prepare again with this recipe, or give the original files."


@dataclass(frozen=True)
class PackedFile:
    """A file of `medzoo prepare`; each process opens it by itself when it reads a row.

    Args:
        path: The file.
        digest: Hash of its rows.
        preprocessing: The steps that its inputs went through.
        margin: Slices more at both ends of a stack, for their jitter.
    """

    path: str
    digest: str
    preprocessing: Preprocessing = field(repr=False, compare=False)
    margin: int = field(repr=False, compare=False)

    def check(self, preprocessing: Preprocessing, margin: int) -> None:
        """Refuse a model that wants other inputs than these.

        Raises:
            ValueError: Its preprocessing or its jitter differs; the message names both values.
        """
        expected = preprocessing.for_training
        for name in (item.name for item in fields(expected)):
            packed, other = getattr(self.preprocessing, name), getattr(expected, name)
            if packed != other:
                raise ValueError(
                    f"{self.path} was packed with {name}={packed!r}, the model wants {name}={other!r}. {_AGAIN}"
                )
        if margin > self.margin:
            raise ValueError(
                f"{self.path} was packed for a slice_jitter of up to {self.margin}, the recipe's is {margin}. {_AGAIN}"
            )

    def rows(self, name: str, first: int, count: int) -> np.ndarray:
        """Return `count` rows of one of the arrays in the file.

        Raises:
            ValueError: The file is damaged, or another one by now.
        """
        try:
            array = _opened(self.path, self.digest, os.getpid())[name]
            check_size((count, *array.shape[1:]), self.path)
            return array[first : first + count]
        except (OSError, KeyError, RuntimeError) as error:
            raise damaged(self.path, error, "Run medzoo prepare again.") from error


def write_packed(
    path: str | os.PathLike, rows: Iterable[Row], shape: tuple[int, ...], has_masks: bool, index: Mapping[str, Any]
) -> int:
    """Write rows as they come.

    Args:
        path: The file.
        rows: Codes of an input, and its mask `(*size, 1)` or anything where there are no masks.
        shape: Number of rows, and shape `(*size, channels)` of an input.
        has_masks: Whether there are masks.
        index: What `read_index` is to return.

    Returns:
        How many inputs are kept exactly.
    """
    import h5py

    # With "shuffle" the high bytes, which are much alike, lie together, and gzip saves more.
    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
    columns = {"inputs": (shape, np.uint16), **({"masks": (shape[:-1], np.uint8)} if has_masks else {})}
    digest, exact = hashlib.sha256(), 0
    # From this version on HDF5 has checksums in its own headers too.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, (form, dtype) in columns.items():
            file.create_dataset(name, form, dtype, chunks=(1, *form[1:]), **options)
        scales = np.zeros((shape[0], 2))
        for row, (codes, mask) in enumerate(rows):
            scales[row] = codes.low, codes.step
            for name, values in zip(columns, (codes.numbers, mask[..., 0]), strict=False):
                file[name][row] = values
                digest.update(np.ascontiguousarray(values).data)
            exact += codes.levels <= EXACT_LEVELS
        digest.update(scales.data)
        text = json.dumps(index, allow_nan=False)
        file["scales"], file["index"] = scales, text
        file.attrs[_MARK], file.attrs["digest"] = _FORMAT, digest.hexdigest()
        file.attrs[_HEAD] = _head(scales, text.encode())
    return exact


def _head(scales: np.ndarray, index: bytes) -> str:
    """Return the checksum of what lies in no chunk, where HDF5 has none."""
    return hashlib.sha256(np.ascontiguousarray(scales).data.tobytes() + index).hexdigest()


def _checked(file: Any) -> tuple[np.ndarray, bytes]:
    """Return scales and index of a file, as they were written.

    Raises:
        ValueError: They are damaged.
    """
    check_size(file["scales"].shape, "its scales")
    scales, index = file["scales"][()], file["index"][()]
    rows = file["inputs"].shape[0]
    # Files of before have no checksum here.
    is_whole = file.attrs.get(_HEAD) in (None, _head(scales, index))
    if not is_whole or scales.shape != (rows, 2) or not np.isfinite(scales).all():
        raise ValueError("its scales or its index are damaged")
    return scales, index


def read_index(path: str) -> dict[str, Any]:
    """Return what `write_packed` was given as `index`, with the `digest` of the rows.

    Raises:
        ValueError: The file is damaged, or not one of `medzoo prepare`.
    """
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            if _MARK not in file.attrs:
                raise ValueError(f"'{path}' is no file of medzoo prepare. Write one: medzoo prepare DATA -o FILE.h5")
            if file.attrs[_MARK] > _FORMAT:
                version = file.attrs[_MARK]
                raise ValueError(f"'{path}' has the format {version}; this medzoo reads {_FORMAT}. Update medzoo.")
            return {**_index(path, file), "digest": file.attrs["digest"]}
    except (OSError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        # h5py raises any of them for damaged headers.
        raise damaged(path, error, "Run medzoo prepare again.") from error


def _index(path: str, file: Any) -> dict[str, Any]:
    try:
        return json.loads(_checked(file)[1])
    except ValueError as error:
        raise damaged(path, error, "Run medzoo prepare again.") from error


@functools.lru_cache(maxsize=16)
def _opened(path: str, digest: str, process: int) -> dict[str, Any]:
    """Return the arrays of a file: opened once in each process, since a handle must not be shared by two."""
    import h5py

    file = h5py.File(path, "r", locking=False)
    if file.attrs["digest"] != digest:
        raise ValueError(f"{path} is another file than the one that was read. Read the data set again.")
    # The file is kept as well: when nothing holds it, its arrays are closed.
    try:
        scales = _checked(file)[0]
    except ValueError as error:
        raise damaged(path, error, "Run medzoo prepare again.") from error
    return {**file, "scales": scales, "file": file}
