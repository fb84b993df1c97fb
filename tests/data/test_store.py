"""Rows that are made once and then read in any order."""

import errno
import os

import numpy as np
import pytest

from medzoo.data.feed.store import RowStore

COLUMNS = [((2,), np.float32), ((), np.int32)]


def row(number):
    return np.full(2, number, np.float32), np.int32(number)


@pytest.mark.parametrize("place", ["memory", "files"])
def test_a_row_that_was_put_in_comes_back(place, tmp_path):
    store = RowStore(3, COLUMNS, None if place == "memory" else tmp_path / "rows")
    store.put(2, row(2))
    pixels, target = store.get(2)
    assert (pixels.tolist(), int(target)) == ([2, 2], 2)
    assert [store.has(index) for index in range(3)] == [False, False, True]


def test_files_are_taken_up_by_another_store(tmp_path):
    RowStore(3, COLUMNS, tmp_path / "rows").put(1, row(1))
    store = RowStore(3, COLUMNS, tmp_path / "rows")
    assert store.has(1)
    assert store.get(1)[0].tolist() == [1, 1]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve space")
def test_a_full_disk_is_an_error_at_once_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        RowStore(3, COLUMNS, tmp_path / "rows")
    assert not list(tmp_path.iterdir())
