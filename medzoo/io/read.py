"""One door for every kind of scan."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.io.find import find_scans, missing
from medzoo.io.formats import EXPECTED, Format, format_of
from medzoo.io.grid import Grid
from medzoo.io.image import Image, Scan, check_pixels, damaged, files_below
from medzoo.io.tensors import as_array

_MOST_CHANNELS = 4


def read_scan(source: str | os.PathLike | Image | np.ndarray, at_least: tuple[int, ...] | None = None) -> Scan:
    """Read a picture, a DICOM file or series, a NIfTI file, or take an array.

    Args:
        source: Path of a PNG, JPEG, TIFF, BMP, DICOM or NIfTI file; a folder that holds exactly one scan; an entry of
            `find_scans`; a Scan, which is returned; an object with a method `read(at_least)` that returns one; or an
            array `(height, width)`, `(height, width, channels)`, `(depth, height, width)` or `(depth, height, width,
            channels)`. In three axes a last one of up to 4 means channels.
        at_least: Height and width in pixels that the caller needs; large JPEGs are then decoded at reduced scale.

    Returns:
        The pixels, channels last, as uint8, uint16, int16 or float32, with what leads back to the file's own grid.

    Raises:
        FileNotFoundError: There is no such file, or no scan in the folder.
        ValueError: The content cannot be used; the message names the file and the fix.
        TypeError: `source` is neither a path nor an array.
        ImportError: A compressed DICOM file needs a package that is not installed.

    Example:
        >>> read_scan(numpy.zeros((64, 48))).array.shape
        (64, 48, 1)
    """
    return as_image(source).read(at_least)


def as_image(source: Any) -> Image:
    """Return the image for what a user passed: the one place that tells paths, arrays and images apart.

    Args:
        source: What `read_scan` takes.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(source, str | os.PathLike):
        return FileImage(os.fspath(source))
    if isinstance(source, Image):
        return source
    if hasattr(source, "read"):
        return _ReadImage(source)
    if hasattr(source, "__array__"):
        return ArrayImage(as_array(source))
    raise TypeError(f"A scan must be a path or an array; got {type(source).__name__}. Convert it with numpy.asarray.")


@dataclass(frozen=True)
class FileImage(Image):
    """An image in a file, or the only one in a folder."""

    source: str

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Read the file by the reader of its format."""
        path = Path(self.source)
        if not path.exists():
            raise FileNotFoundError(missing(path))
        if path.is_dir():
            return _only_scan(path).read(at_least)
        if not path.is_file():
            raise ValueError(f"{path} is a pipe, socket or device; expected a file. Write its content to a file first.")
        if path.stat().st_size == 0:
            raise ValueError(f"{path} is empty (0 bytes). Copy or download the file again.")
        row = format_of(path)
        if row is None:
            raise ValueError(
                f"{path} is not a scan that medzoo can read. Expected {EXPECTED}; convert the file to one of them."
            )
        return _read(row, path, at_least)

    def paths(self) -> tuple[str, ...]:
        """Return its path, or those of the files in the folder."""
        return files_below(self.source)

    def grid(self) -> Grid | None:
        """Return the grid of a volume, as its format has it."""
        if os.path.isdir(self.source):
            return _only_scan(Path(self.source)).grid()
        row = format_of(self.source)
        return row.grid(self.source) if row and row.grid else None

    def patient(self) -> str:
        """Return the patient that the header names, where its format has one."""
        if os.path.isdir(self.source):
            return _only_scan(Path(self.source)).patient()
        row = format_of(self.source)
        return row.patient(self.source) if row and row.patient else ""


@dataclass(frozen=True, eq=False)
class ArrayImage(Image):
    """An image in an array; a memory map is read only when it is asked for."""

    array: np.ndarray = field(repr=False)
    source: str = "array"

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return the pixels as a Scan.

        Raises:
            ValueError: They are no image or volume, or some are NaN.
        """
        array = np.asarray(self.array)
        has_channels = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] <= _MOST_CHANNELS)
        if array.ndim not in (2, 3, 4) or (has_channels and array.shape[-1] > _MOST_CHANNELS):
            raise ValueError(
                f"An array must be (height, width), (height, width, channels), (depth, height, width) or (depth, "
                f"height, width, channels) with up to {_MOST_CHANNELS} channels; got {array.shape} as {self.source}. "
                "Index or move axes first."
            )
        pixels = check_pixels(array if has_channels else array[..., None], self.source)
        return Scan(pixels, pixels.shape[:-1], source=self.source)

    def in_memory(self) -> np.ndarray:
        """Return the array."""
        return self.array


class _ReadImage(Image):
    """A user's own object with a method `read(at_least)`; its `source`, or else its text, names it in messages."""

    def __init__(self, image: Any):
        self._image, self.source = image, str(getattr(image, "source", image))

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return what the object reads."""
        return self._image.read(at_least)

    def in_memory(self) -> np.ndarray | None:
        """Return the object's `array`, if it has one."""
        array = getattr(self._image, "array", None)
        return array if isinstance(array, np.ndarray) else None


def _read(row: Format, path: Path, at_least: tuple[int, ...] | None) -> Scan:
    """Read a file; whatever a library raises becomes an error that names the file."""
    try:
        return row.read(path, at_least)
    except MemoryError as error:
        reason = str(error) or "too large"
        raise ValueError(f"{path} does not fit into memory: {reason}. Crop or resample it first.") from error
    except (ValueError, OSError, ImportError):
        raise
    except Exception as error:
        # Decoders raise nearly anything for damaged data.
        raise damaged(path, error) from error


def _only_scan(path: Path) -> Image:
    scans = find_scans(path)
    if len(scans) > 1:
        raise ValueError(
            f"{path} holds {len(scans)} scans; expected one. Pass one of medzoo.io.find_scans({str(path)!r}), or all."
        )
    return as_image(scans[0])
