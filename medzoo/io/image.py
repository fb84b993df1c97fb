"""What every image of a data set can do, wherever it is stored, and the Scan that reading it gives."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from medzoo.io.grid import Grid
    from medzoo.preprocessing import Preprocessing
    from medzoo.preprocessing.windows import Windows


@runtime_checkable
class Image(Protocol):
    """One image or volume: in a file, in several, in an array, in shards, or packed as inputs.

    A new kind is a class that inherits from this and has a `source` and a method `read`; it overrides the methods that
    it can answer without reading pixels. No other code asks which kind an image is: `as_image` turns what users pass
    into one.

    Attributes:
        source: Path of the image, or what stands for it in messages and tables.

    Example:
        >>> from medzoo import read_scan
        >>> class Blank(Image):
        ...     source = "blank"
        ...     def read(self, at_least=None):
        ...         return read_scan(np.zeros((64, 48)))
        >>> read_scan(Blank()).shape
        (64, 48)
    """

    source: str

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return the pixels, with what leads back to the grid of the file.

        Args:
            at_least: Height and width in pixels that the caller needs; large JPEGs are then decoded at reduced scale.

        Raises:
            ValueError: The content cannot be used; the message names the source and the fix.
        """
        ...

    def windows(self, preprocessing: Preprocessing, index: int | None = None, every_slice: bool = False) -> Windows:
        """Read the image and say which inputs it makes; the arguments are those of `Preprocessing.windows`."""
        # At the same scale in training and in use: other pixels would cost accuracy.
        return preprocessing.windows(self.read(preprocessing.at_least), index, every_slice)

    def paths(self) -> tuple[str, ...]:
        """Return the paths of the files that it is read from; none where it is not stored in files."""
        return ()

    def contents(self) -> Sequence[bytes | memoryview]:
        """Return what identifies its pixels, for a hash: the digests of its files, or else the pixels themselves.

        Raises:
            OSError: A file cannot be read.
        """
        paths = self.paths()
        return sorted(map(_file_digest, paths)) if paths else _pixels(self.read())

    def in_memory(self) -> np.ndarray | None:
        """Return the pixels of an image in memory, which no path can tell from others; else None."""
        return None

    def patient(self) -> str:
        """Return the patient that the headers of its files name, or ""."""
        return ""

    def grid(self) -> Grid | None:
        """Return the grid of a volume from its headers alone, in the axes of its file; None where there is none.

        Raises:
            ValueError: The headers cannot be read.
        """
        return None

    @property
    def preprocessing(self) -> Preprocessing | None:
        """The steps that were applied to it already; None where they are applied on reading."""
        return None


@dataclass(frozen=True, eq=False)
class Scan(Image):
    """One image or volume, as read from a file, with what is needed to go back into the file's own grid.

    Args:
        array: Pixels, channels last: `(height, width, channels)` for a picture or a single DICOM image,
            `(depth, height, width, channels)` for a volume. Volumes stand in display order: slices from foot to head,
            rows from front to back, columns from the patient's right to left (LPS), whatever the order in the file.
            DICOM series and single NIfTI slices that are not axial keep their slices: those of the file.
        shape: Spatial shape of the full grid in the same order as `array`. It differs from `array.shape[:-1]`
            only where a JPEG was decoded at reduced scale.
        spacing: Size of a voxel in mm, in the order of `shape`; None where the file does not say.
        affine: Voxel-to-world matrix `(4, 4)` in mm, in NIfTI's RAS convention, for the array *as stored in the file*;
            None for pictures.
        orientation: For volumes that were reoriented: nibabel's orientation transform `(3, 2)` from the
            file's axes to LPS; None where the file's order was kept.
        source: Path of the file or folder, or a word such as `"array"`.
        kind: `"raster"`, `"dicom"`, `"nifti"` or `"array"`.
        header: That of a NIfTI file, whose geometry its answers repeat; else None.
        padding: True where the file says that a pixel is none (DICOM's PixelPaddingValue), in the order of `shape`;
            None where there are no such pixels. In `array` they have the lowest value of the others.
        frames: For DICOM the file and the number of the frame in it, from 0, of each slice as stored in the file.
    """

    array: np.ndarray
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    orientation: np.ndarray | None = None
    source: str = "array"
    kind: str = "array"
    header: Any = None
    padding: np.ndarray | None = None
    frames: tuple[tuple[str, int], ...] = ()

    @property
    def is_volume(self) -> bool:
        """Whether the scan has a depth axis."""
        return len(self.shape) == 3

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.array.shape[-1]

    @property
    def steps(self) -> np.ndarray | None:
        """For each axis of `shape` the way to the next pixel in mm, `(axes, axes)`; None where the file does not say.

        A gantry tilt shears the voxels of a volume: its ways are not at right angles.
        """
        if not self.is_volume or self.affine is None:
            return np.diag(self.spacing) if self.spacing else None
        # By the axes of the file, then in display order, whose first axis is the last of nibabel's.
        ways, axes = self.affine[:3, :3].T, self.orientation
        if axes is not None:
            ways = ways[np.argsort(axes[:, 0])] * axes[np.argsort(axes[:, 0]), 1:]
        return ways[::-1]

    @property
    def pixel_size(self) -> float | None:
        """Volume of a voxel in mm3, or area of a pixel of a picture in mm2; None where the file does not say."""
        if self.is_volume and self.affine is not None:
            # Not the product of the spacing, since a gantry tilt shears the voxels.
            return abs(float(np.linalg.det(self.affine[:3, :3])))
        return float(np.prod(self.spacing)) if self.spacing else None

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return itself."""
        return self

    def in_memory(self) -> np.ndarray:
        """Return the pixels."""
        return self.array


_KEPT = (np.uint8, np.uint16, np.int16)


def check_pixels(array: np.ndarray, source: str | os.PathLike) -> np.ndarray:
    """Return `array` as uint8, uint16 or int16 where it is one of them, else as float32.

    Booleans become 0 and 1 of uint8.

    Args:
        array: Pixels of any shape.
        source: What messages call the scan: its path, or `"array"`.

    Raises:
        ValueError: There are no pixels, they are not real numbers, or some are NaN, infinite or beyond 1e12.
    """
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"{source} holds values of type {array.dtype}; expected real numbers. "
            "Convert them first, for example array.astype('float32')."
        )
    if array.size == 0:
        raise ValueError(f"{source} holds no pixels; got shape {array.shape}. Pass an image with a height and a width.")
    with np.errstate(over="ignore"):
        plain = array.astype(_stored_type(array.dtype), copy=False)
    # Written this way NaN is caught as well.
    if plain.dtype.kind == "f" and not (plain.min() >= -LARGEST and plain.max() <= LARGEST):
        raise _out_of_range(array, source)
    return plain


# Squares of larger numbers, of which statistics are made, leave the range of float32.
LARGEST = 1e12


def _out_of_range(array: np.ndarray, source: str | os.PathLike) -> ValueError:
    bad = array.size - np.count_nonzero(np.isfinite(array))
    if bad:
        return ValueError(
            f"{source} has {bad} pixels that are NaN or infinite as float32; expected finite numbers. "
            "Replace them first, for example numpy.nan_to_num(array)."
        )
    return ValueError(
        f"{source} has pixels from {array.min():g} to {array.max():g}; expected numbers up to {LARGEST:g} on either "
        "side of 0, since float32 holds no larger range. Rescale or clip them first, for example "
        "numpy.clip(array, -1e6, 1e6)."
    )


def damaged(source: str | os.PathLike, error: object, fix: str = "Copy or download the file again.") -> ValueError:
    """Return the one-line error for a file that its library refuses, with what the library said."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return ValueError(f"{source} cannot be read: {reason}. {fix}")


def _stored_type(dtype: np.dtype) -> type | np.dtype:
    if dtype.kind == "b":
        return np.uint8
    native = dtype.newbyteorder("=")
    return native if native in _KEPT else np.float32


def files_below(path: str) -> tuple[str, ...]:
    """Return the files in a folder and its subfolders; the path itself where it is no folder."""
    if not os.path.isdir(path):
        return (path,)
    return tuple(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


def _pixels(scan: Scan) -> list[bytes | memoryview]:
    description = repr((scan.array.dtype, scan.array.shape, scan.shape, scan.spacing))
    return [description.encode(), np.ascontiguousarray(scan.array).data]


def _file_digest(path: str) -> bytes:
    status = os.stat(path)
    return _digest_of(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@functools.lru_cache(maxsize=2**17)
def _digest_of(path: str, *state: int) -> bytes:
    """Return the hash of a file; within a process, a file that was not written since is not read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
