"""One row of a data set to what a network is fed with, for every task."""

import numpy as np
import pytest

from medzoo.data.feed.reader import read_rows, row_counts
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
