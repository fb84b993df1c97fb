from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.data.augment.augmentation import mixup
from tests.data.augment_ways import WAYS, eagerly

COUNT = 64


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def apply(request):
    return request.param


@pytest.fixture
def batch():
    """Images and one-hot targets, all different."""
    images = np.random.default_rng(0).random((COUNT, 4, 4, 1), np.float32)
    return images, np.eye(COUNT, dtype=np.float32)


def mix(alpha):
    return lambda images, targets, seed: mixup(images, targets, alpha, seed)


def test_targets_sum_to_one_and_name_two_images(apply, batch):
    _, targets = apply(mix(1.0), *batch)
    assert np.allclose(targets.sum(axis=1), 1)
    assert ((targets > 0).sum(axis=1) == 2).all()


def test_images_are_blended_as_their_targets_are(apply, batch):
    images, targets = apply(mix(1.0), *batch)
    assert np.allclose(images, np.tensordot(targets, batch[0], 1), atol=1e-5)


def test_every_image_draws_its_own_share(batch):
    _, targets = eagerly(mix(1.0), *batch)
    assert len(set(np.diag(targets))) == COUNT


def test_a_small_alpha_leaves_most_images_nearly_whole_and_finite(batch):
    _, targets = eagerly(mix(0.01), *batch)
    assert np.isfinite(targets).all()
    assert (targets.max(axis=1) > 0.99).mean() > 0.9


def test_a_batch_of_one_stays_as_it_is(batch):
    images, targets = eagerly(mix(1.0), batch[0][:1], batch[1][:1])
    assert np.allclose(images, batch[0][:1])
    assert np.allclose(targets, batch[1][:1])


def test_volumes_and_values_are_mixed():
    images, targets = np.arange(2, dtype=np.float32).reshape(2, 1, 1, 1, 1), np.array([[10.0], [20.0]], np.float32)
    images, targets = eagerly(mix(1.0), images, targets)
    assert np.allclose(targets, 10 + 10 * images[:, :, 0, 0, 0])


def test_the_same_seed_gives_the_same_blend(batch):
    first, second, other = (eagerly(mix(1.0), *batch, seed)[1] for seed in ((1, 2), (1, 2), (3, 4)))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_augmentation_mixes_last(apply, batch):
    images, targets = apply(Augmentation(flip=("horizontal",), mixup=1.0), *batch)
    flipped, _ = apply(Augmentation(flip=("horizontal",)), *batch)
    assert np.allclose(images, np.tensordot(targets, flipped, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("targets", "received"),
    [
        (np.zeros((COUNT, 4, 4, 1), np.uint8), r"uint8 of shape \(64, 4, 4, 1\)"),
        (np.zeros((COUNT, 1), np.int32), "int32"),
        (np.zeros((COUNT, 4, 4, 1), np.float32), "float32"),
    ],
    ids=["masks", "indices", "float_masks"],
)
def test_what_cannot_be_blended_is_an_error(batch, targets, received):
    with pytest.raises(ValueError, match=rf"mixup expects targets \(batch, k\) of floats.* Received: {received}"):
        eagerly(Augmentation(mixup=0.2), batch[0], targets)
