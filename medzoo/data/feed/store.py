"""Rows that are made once and then read in any order, while one data set feeds one training.

Rows have numbers, and are read in place, in microseconds: what `medzoo.features.store` keeps for any number of data
sets and processes, by the content of images, takes ten times as long.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from medzoo.files import atomic_file


class RowStore:
    """Rows of several arrays, in memory or in files, in whatever order they come.

    Args:
        count: Number of rows.
        columns: Shape and type of a row of each array.
        path: Start of the names of memory-mapped files; None for memory, which fills as rows are read.
    """

    def __init__(self, count: int, columns: list[tuple[tuple[int, ...], type]], path: str | os.PathLike | None = None):
        columns = [*columns, ((), np.bool_)]
        self._arrays = [
            np.zeros((count, *shape), dtype) if path is None else _map(f"{path}-{number}.npy", (count, *shape), dtype)
            for number, (shape, dtype) in enumerate(columns)
        ]

    def has(self, index: int) -> bool:
        """Return whether a row was put in."""
        return bool(self._arrays[-1][index])

    def put(self, index: int, values: tuple[np.ndarray, ...]) -> None:
        """Put a row in."""
        *arrays, filled = self._arrays
        for array, value in zip(arrays, values, strict=True):
            array[index] = value
        # Last, so that a kill leaves no row that looks whole.
        filled[index] = True

    def get(self, index: int) -> tuple[np.ndarray, ...]:
        """Return a row that was put in."""
        return tuple(array[index] for array in self._arrays[:-1])


def _map(path: str, shape: tuple[int, ...], dtype: type) -> np.ndarray:
    if not os.path.exists(path):
        with atomic_file(path) as temporary:
            # Zeros: no row is filled.
            np.lib.format.open_memmap(temporary, "w+", dtype, shape)
            _reserve(temporary)
    return np.load(path, mmap_mode="r+")


def _reserve(path: Path) -> None:
    """Take the space of a file now, where the system can: a disk that is full later would kill the process."""
    if hasattr(os, "posix_fallocate"):
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
