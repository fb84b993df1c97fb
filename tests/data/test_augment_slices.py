from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from tests.data.augment_ways import WAYS, eagerly

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
