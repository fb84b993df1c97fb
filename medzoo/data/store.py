"""Arrays that are made once and then read in any order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from medzoo.io.files import atomic_file


class RowStore:
    """Rows of several arrays, in memory or in files, each filled when it is first asked for.

    tf.data's own cache gives its elements in one order only; a sampler that draws some rows twice and others not at all
    needs them by index.

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

    def get(self, index: int, make: Callable[[], tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
        """Return a row, made by `make` if it is not there."""
        *arrays, filled = self._arrays
        if not filled[index]:
            for array, value in zip(arrays, make(), strict=True):
                array[index] = value
            # Last, so that a kill leaves no row that looks whole.
            filled[index] = True
        return tuple(array[index] for array in arrays)


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
