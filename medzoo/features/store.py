"""A file of feature rows that several processes read and write at once, for whatever data set an image is in.

Rows have the content of an image as their name and bring a checksum; a training that reads rows by number in every
epoch takes `medzoo.data.feed.reader.RowStore`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

# Content of an image, and which view of it.
Item = tuple[bytes, int]

# Seconds to wait for another process that writes.
_PATIENCE = 60
_CODES = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.ENOENT,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_PERM: errno.EACCES,
}


class FeatureFile:
    """Rows of several arrays by image and view, in one SQLite file.

    A batch is written whole or not at all, so that a kill at any moment leaves whole rows only.

    Args:
        path: The file without its suffix; made if it is not there.
        columns: Shape and type of a row of each array.

    Raises:
        ValueError: The file is damaged.
        OSError: It cannot be written.
    """

    def __init__(self, path: str | os.PathLike, columns: Sequence[tuple[tuple[int, ...], type]]):
        self.path = Path(f"{os.fspath(path)}.sqlite")
        self._columns = list(columns)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            self._connection = sqlite3.connect(self.path, timeout=_PATIENCE)
            with self._connection:
                self._connection.execute(
                    "CREATE TABLE IF NOT EXISTS rows "
                    "(digest BLOB, view INTEGER, checksum INTEGER, content BLOB, PRIMARY KEY (digest, view))"
                )

    def __enter__(self) -> FeatureFile:
        """Return the file."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the file."""
        self._connection.close()

    def missing(self, items: Iterable[Item]) -> list[Item]:
        """Return the items that have no row, each once."""
        with self._errors():
            stored = set(self._connection.execute("SELECT digest, view FROM rows"))
        return [item for item in dict.fromkeys(items) if item not in stored]

    def write(self, items: Sequence[Item], arrays: Sequence[np.ndarray]) -> None:
        """Add the rows of a batch; one that another process added meanwhile stays."""
        rows = []
        for number, item in enumerate(items):
            content = b"".join(
                array[number].astype(dtype).tobytes() for array, (_, dtype) in zip(arrays, self._columns, strict=True)
            )
            rows.append((*item, zlib.crc32(content), content))
        with self._errors(), self._connection:
            self._connection.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", rows)

    def read(self, items: Sequence[Sequence[Item]]) -> list[np.ndarray]:
        """Return an array `(views, rows, *shape)` for every column."""
        places = (len(items), len(items[0]))
        arrays: list[np.ndarray] = [np.empty((*places, *shape), dtype) for shape, dtype in self._columns]
        for view, row in np.ndindex(places):
            for array, value in zip(arrays, self._row(items[view][row]), strict=True):
                array[view, row] = value
        return arrays

    def _row(self, item: Item) -> Iterator[np.ndarray]:
        with self._errors():
            query = "SELECT checksum, content FROM rows WHERE digest = ? AND view = ?"
            checksum, content = self._connection.execute(query, item).fetchone()
        if zlib.crc32(content) != checksum:
            raise self._damaged("a row does not have its checksum")
        start = 0
        for shape, dtype in self._columns:
            count = int(np.prod(shape, dtype=int))
            yield np.frombuffer(content, dtype, count, start).reshape(shape)
            start += count * np.dtype(dtype).itemsize

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise the errors of SQLite as those of a file."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            # The lower byte is the code, what is above tells more.
            code = _CODES.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF)
            if code is None:
                raise self._damaged(error) from error
            raise OSError(code, f"{os.strerror(code)} ({error})", os.fspath(self.path)) from error

    def _damaged(self, reason: object) -> ValueError:
        return ValueError(f"{self.path} is damaged: {reason}. Delete this file; its features are computed again.")
