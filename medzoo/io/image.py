"""What one image of a data set must be able to do, whatever it lies in."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from medzoo.io.grid import Grid
    from medzoo.io.scan import Scan
    from medzoo.preprocessing import Preprocessing
    from medzoo.preprocessing.windows import Windows


@runtime_checkable
class Image(Protocol):
    """One image or volume: in a file, in several, in an array, in shards, or packed as inputs.

    A new kind is a class that inherits this, with a `source` and a method `read`; it overrides what it knows better
    than its pixels tell. Nothing else asks which kind an image is: `as_image` makes one of what users pass.

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
        """Return the paths of the files that it is read from; none where it lies in something else."""
        return ()

    def contents(self) -> list[bytes]:
        """Return what decides its pixels, for a hash: that of its files, or else the pixels themselves.

        Raises:
            OSError: A file cannot be read.
        """
        paths = self.paths()
        return sorted(map(_file_digest, paths)) if paths else _pixels(self.read())

    def in_memory(self) -> np.ndarray | None:
        """Return the pixels of what lies in memory, so that no path tells it from others; else None."""
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
        """The steps that it went through already; None for what is preprocessed when it is read."""
        return None


def files_below(path: str) -> tuple[str, ...]:
    """Return the files in a folder and its subfolders; the path itself where it is no folder."""
    if not os.path.isdir(path):
        return (path,)
    return tuple(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


def _pixels(scan: Scan) -> list[bytes]:
    described = repr((scan.array.dtype, scan.array.shape, scan.shape, scan.spacing))
    return [described.encode(), np.ascontiguousarray(scan.array).data]


def _file_digest(path: str) -> bytes:
    status = os.stat(path)
    return _digest_of(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@functools.lru_cache(maxsize=2**17)
def _digest_of(path: str, *state: int) -> bytes:
    """Return the hash of a file; within a process, a file that was not written since is not read again."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
