"""Rows of a data set to what a network is fed with, for every task; how they are kept, and read ahead."""

import errno
import os

import numpy as np
import pytest

from medzoo.data.feed.reader import RowStore, read_ahead, read_rows, row_counts
from medzoo.data.samples import Samples
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification, Regression, Segmentation

PLAIN = Preprocessing((4, 4), normalization=None)


class Mask:
    """A mask in memory."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def mask(self, size=None):
        if size not in (None, self.array.shape):
            raise NotImplementedError
        return self.array


def volume(depth=5):
    array = np.zeros((depth, 4, 4, 1), np.float32) + np.arange(depth)[:, None, None, None]
    return Scan(array.astype(np.float32), array.shape[:3], source="volume")


def samples_of(image, target, labels, slice=None):
    return Samples((image,), (target,), ("a",), ("",), labels, (slice,))


def test_a_class_is_an_index():
    task = Classification(("a", "b"))
    samples = samples_of(Scan(np.ones((4, 4, 1)), (4, 4)), 1, task.labels)
    ((image, target),) = read_rows(samples, 0, PLAIN, task)
    assert image.shape == (4, 4, 1)
    assert (target.tolist(), target.dtype) == ([1], np.int32)


def test_a_value_is_in_deviations():
    task = Regression("lvef", mean=60, std=10)
    samples = samples_of(Scan(np.ones((4, 4, 1)), (4, 4)), 45.0, task.labels)
    ((_, target),) = read_rows(samples, 0, PLAIN, task)
    assert (target.tolist(), target.dtype) == ([-1.5], np.float32)


def test_a_flat_segmentation_takes_every_slice_of_a_volume_with_its_mask():
    mask = np.zeros((5, 4, 4), np.uint8)
    mask[2] = 1
    samples = samples_of(volume(), Mask(mask), ("background", "tumor"))
    task = Segmentation(("background", "tumor"))
    rows = list(read_rows(samples, 0, PLAIN, task))
    assert row_counts(samples, PLAIN, task) == [len(rows)] == [5]
    assert [image[0, 0, 0] for image, _ in rows] == [0, 1, 2, 3, 4]
    assert [target.max() for _, target in rows] == [0, 0, 1, 0, 0]
    assert rows[0][1].shape == (4, 4, 1)


def test_a_volumetric_segmentation_takes_the_volume_as_one():
    preprocessing = Preprocessing((5, 4, 4), normalization=None)
    samples = samples_of(volume(), Mask(np.ones((5, 4, 4), np.uint8)), ("background", "tumor"))
    task = Segmentation(("background", "tumor"))
    ((image, target),) = read_rows(samples, 0, preprocessing, task)
    assert row_counts(samples, preprocessing, task) == [1]
    assert (image.shape, target.shape) == ((5, 4, 4, 1), (5, 4, 4, 1))


def test_a_stack_for_a_class_is_one_row_around_the_named_slice():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack())
    task = Classification(("a", "b"))
    samples = samples_of(volume(), 0, task.labels, slice=1)
    ((image, _),) = read_rows(samples, 0, preprocessing, task)
    assert image[0, 0].tolist() == [0, 1, 2]


def test_a_mask_of_another_grid_is_an_error_that_names_the_scan():
    samples = samples_of(volume(), Mask(np.ones((4, 4, 4), np.uint8)), ("background", "tumor"))
    with pytest.raises(ValueError, match=r"volume has the size \(5, 4, 4\), its annotation \(4, 4, 4\)"):
        list(read_rows(samples, 0, PLAIN, Segmentation(("background", "tumor"))))


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


def test_results_come_in_the_order_of_the_items():
    assert list(read_ahead(str, range(9), count=4)) == [str(number) for number in range(9)]


def test_only_a_few_items_are_taken_before_their_results_are():
    taken = []
    results = read_ahead(str, (taken.append(number) or number for number in range(9)), count=2)
    assert next(results) == "0"
    assert taken == [0, 1, 2]


def test_an_error_is_raised_in_its_turn():
    results = read_ahead(lambda number: 1 // number, [1, 0], count=2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
