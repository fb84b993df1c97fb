"""A file of feature rows that several processes read and write at once."""

import subprocess
import sys

import numpy as np
import pytest

from medzoo.features.store import FeatureFile

COLUMNS = [((2,), np.float32), ((), np.float16)]
ONE, TWO = (b"one", 0), (b"two", 0)

KILLED = """
import os, signal, sys
import numpy as np
from medzoo.features.store import FeatureFile

class Deadly:
    def __getitem__(self, number):
        os.kill(os.getpid(), signal.SIGKILL)

file = FeatureFile(sys.argv[1], [((2,), np.float32), ((), np.float16)])
file.write([(b"one", 0)], [np.ones((1, 2)), np.ones(1)])
file.write([(b"two", 0)], [np.ones((1, 2)), Deadly()])
"""


def rows_of(*values):
    return [np.stack([np.full(2, value, np.float32) for value in values]), np.float16(values)]


def test_rows_come_back_by_view_and_place(tmp_path):
    with FeatureFile(tmp_path / "rows", COLUMNS) as file:
        file.write([ONE, TWO, (b"one", 1)], rows_of(1, 2, 3))
        pairs, numbers = file.read([[TWO, ONE], [(b"one", 1), TWO]])
    assert pairs.tolist() == [[[2, 2], [1, 1]], [[3, 3], [2, 2]]]
    assert numbers.tolist() == [[2, 1], [3, 2]]
    assert (pairs.dtype, numbers.dtype) == (np.float32, np.float16)


def test_missing_is_what_has_no_row_each_once(tmp_path):
    with FeatureFile(tmp_path / "rows", COLUMNS) as file:
        file.write([ONE], rows_of(1))
        assert file.missing([TWO, ONE, TWO, (b"one", 1)]) == [TWO, (b"one", 1)]


def test_of_two_that_write_the_same_row_the_first_stays(tmp_path):
    with FeatureFile(tmp_path / "rows", COLUMNS) as first, FeatureFile(tmp_path / "rows", COLUMNS) as second:
        first.write([ONE], rows_of(1))
        second.write([ONE, TWO], rows_of(5, 6))
        assert first.read([[ONE, TWO]])[1].tolist() == [[1, 6]]


def test_a_killed_process_leaves_its_whole_batches(tmp_path):
    process = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "rows"], check=False)
    assert process.returncode == -9
    with FeatureFile(tmp_path / "rows", COLUMNS) as file:
        assert file.missing([ONE, TWO]) == [TWO]


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "rows.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(ValueError, match=r"rows\.sqlite is damaged.*Delete this file"):
        FeatureFile(tmp_path / "rows", COLUMNS)


def test_a_folder_in_its_place_is_an_error_of_the_system(tmp_path):
    (tmp_path / "rows.sqlite").mkdir()
    with pytest.raises(OSError, match=r"rows\.sqlite"):
        FeatureFile(tmp_path / "rows", COLUMNS)
