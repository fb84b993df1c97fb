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
from tests.data.augment_ways import WAYS, eagerly

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


COUNT, JITTER, CHANNELS = 64, 2, 3


@pytest.fixture
def stacks():
    """Images whose channels hold the number of their slice."""
    slices = np.arange(CHANNELS + 2 * JITTER, dtype=np.float32)
    return np.broadcast_to(slices, (COUNT, 4, 4, len(slices))).copy(), np.zeros((COUNT, 1), np.int32)


@pytest.mark.parametrize("apply", WAYS, ids=lambda way: way.__name__)
def test_jitter_takes_adjacent_slices_in_their_order(apply, stacks):
    images, _ = apply(Augmentation(slice_jitter=JITTER), *stacks)
    assert images.shape == (COUNT, 4, 4, CHANNELS)
    assert (np.diff(images, axis=-1) == 1).all()
    assert (images == images[:, :1, :1]).all()


def test_jitter_draws_every_offset_up_to_its_limit_for_each_image(stacks):
    images, _ = eagerly(Augmentation(slice_jitter=JITTER), *stacks)
    middles = images[:, 0, 0, CHANNELS // 2] - (CHANNELS // 2 + JITTER)
    assert set(middles) == {-2, -1, 0, 1, 2}


def test_jitter_comes_before_the_other_changes(stacks):
    images, masks = eagerly(
        Augmentation(slice_jitter=JITTER, rotation=10), stacks[0], np.ones((COUNT, 4, 4, 1), np.uint8)
    )
    assert images.shape == (COUNT, 4, 4, CHANNELS)
    assert masks.shape == (COUNT, 4, 4, 1)


@pytest.mark.parametrize("shape", [(2, 4, 4, 4), (2, 4, 4, 4, 7)], ids=["too_few_channels", "volumes"])
def test_what_is_no_stack_with_slices_to_spare_is_an_error(shape):
    with pytest.raises(ValueError, match="`slice_jitter`=2 takes 4 channels off stacks"):
        eagerly(Augmentation(slice_jitter=2), np.zeros(shape, np.float32), np.zeros((2, 1), np.int32))


def test_a_part_of_a_slice_is_an_error():
    with pytest.raises(
        ValueError, match=r"`augmentation.slice_jitter` must be a whole number of at least 0. Received: 1\.5"
    ):
        Augmentation(slice_jitter=1.5)
