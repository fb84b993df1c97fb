"""Arrays that are made once and then read in any order."""

import errno
import os

import numpy as np
import pytest

from medzoo.data.store import RowStore

COLUMNS = [((2,), np.float32), ((), np.int32)]


def row(number):
    return np.full(2, number, np.float32), np.int32(number)


@pytest.mark.parametrize("place", ["memory", "files"])
def test_a_row_is_made_once(place, tmp_path):
    store = RowStore(3, COLUMNS, None if place == "memory" else tmp_path / "rows")
    made = []

    def make():
        made.append(2)
        return row(2)

    for _ in range(3):
        pixels, target = store.get(2, make)
        assert (pixels.tolist(), int(target)) == ([2, 2], 2)
    assert made == [2]


def test_files_are_taken_up_by_another_store(tmp_path):
    RowStore(3, COLUMNS, tmp_path / "rows").get(1, lambda: row(1))
    pixels, _ = RowStore(3, COLUMNS, tmp_path / "rows").get(1, lambda: pytest.fail("made again"))
    assert pixels.tolist() == [1, 1]


def test_a_row_whose_making_failed_is_made_again(tmp_path):
    store = RowStore(3, COLUMNS, tmp_path / "rows")

    def fail():
        raise ValueError("broken file")

    with pytest.raises(ValueError, match="broken file"):
        store.get(0, fail)
    assert store.get(0, lambda: row(5))[1] == 5


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system cannot reserve space")
def test_a_full_disk_is_an_error_at_once_and_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        RowStore(3, COLUMNS, tmp_path / "rows")
    assert not list(tmp_path.iterdir())
