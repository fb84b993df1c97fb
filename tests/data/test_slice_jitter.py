"""Jitter of the slices of a stack, in training only."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.data.feed.batches import make_batches
from medzoo.data.samples import Samples
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Regression

TASK = Regression("depth")
STACK = Preprocessing((2, 2), 3, normalization=None, stack=Stack(average=3))


def make_samples(count=16, depth=9):
    array = np.zeros((depth, 2, 2, 1), np.float32) + np.arange(depth)[:, None, None, None]
    images = tuple(Scan(array.astype(np.float32), array.shape[:3], source=str(row)) for row in range(count))
    names = tuple(map(str, range(count)))
    return Samples(images, tuple(map(float, range(count))), names, ("",) * count, ("depth",))


def channels(preprocessing, augment=None):
    """Return the channels of every image of an epoch."""
    dataset = make_batches(make_samples(), preprocessing, TASK, 16, augment).tf_dataset()
    return np.concatenate([images[:, 0, 0] for images, _ in dataset.as_numpy_iterator()])


def test_without_jitter_every_volume_is_one_stack_around_the_middle():
    assert (channels(STACK) == [3, 4, 5]).all()
    assert len(channels(STACK)) == 16


def test_jitter_moves_the_stack_by_whole_slices_up_to_its_limit():
    moved = channels(STACK, Augmentation(slice_jitter=2))
    assert (np.diff(moved, axis=1) == 1).all()
    assert set(moved[:, 1]) <= {2, 3, 4, 5, 6}
    assert len(set(moved[:, 1])) > 2


def test_each_channel_keeps_its_own_statistics_under_jitter():
    scaled = Preprocessing((2, 2), 3, normalization=None, mean=(0, 10, 20), std=(1, 2, 4), stack=Stack())
    values = channels(scaled, Augmentation(slice_jitter=2)) * [1, 2, 4] + [0, 10, 20]
    assert (np.diff(values, axis=1) == 1).all()


def test_jitter_without_a_stack_is_an_error():
    with pytest.raises(ValueError, match="`slice_jitter` shifts a stack"):
        make_batches(make_samples(), Preprocessing((2, 2)), TASK, augment=Augmentation(slice_jitter=1)).tf_dataset()
