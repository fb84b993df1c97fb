from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.data.augment.warp import warp
from tests.data.augment_ways import WAYS, eagerly, inside_tf_data, overlap

COUNT, DEPTH, SIZE = 8, 10, 16
SPATIAL = {
    "flip": ("depth", "vertical", "horizontal"),
    "quarter_turns": True,
    "rotation": 45,
    "tilt": 30,
    "scale": 0.2,
    "stretch": 0.2,
    "shift": 0.1,
    "elastic": 0.1,
}
INTENSITY = {"brightness": 0.2, "contrast": 0.3, "gamma": 0.5, "noise": 0.1, "bias_field": 0.3}


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def apply(request):
    return request.param


@pytest.fixture
def box():
    """The same bright box, off the centre, in every volume and mask."""
    masks = np.zeros((COUNT, DEPTH, SIZE, SIZE, 1), np.uint8)
    masks[:, 2:7, 3:12, 5:13] = 1
    return masks.astype(np.float32), masks


@pytest.fixture
def noise():
    images = np.random.default_rng(0).random((COUNT, DEPTH, SIZE, SIZE, 1), np.float32)
    return images, (images > 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", SPATIAL)
def test_mask_moves_with_its_volume(box, name):
    images, masks = eagerly(Augmentation(**{name: SPATIAL[name]}), *box)
    assert not np.array_equal(masks, box[1])
    for image, mask in zip(images, masks, strict=True):
        assert overlap(image > 0.5, mask) > 0.8


def test_mask_moves_with_its_volume_under_all_changes_together(apply, box):
    images, masks = apply(Augmentation(**SPATIAL), *box)
    assert all(overlap(image > 0.5, mask) > 0.8 for image, mask in zip(images, masks, strict=True))
    assert len({mask.tobytes() for mask in masks}) == COUNT


def test_zero_strength_changes_nothing(apply, noise):
    images, masks = apply(Augmentation(), *noise)
    assert np.array_equal(images, noise[0])
    assert np.array_equal(masks, noise[1])


def test_both_ways_to_apply_give_the_same_voxels(noise):
    augmentation = Augmentation(**SPATIAL, **INTENSITY)
    eager, in_graph = (way(augmentation, *noise) for way in (eagerly, inside_tf_data))
    assert np.allclose(eager[0], in_graph[0], atol=1e-4)
    assert (eager[1] != in_graph[1]).mean() < 1e-3


def test_the_same_seed_gives_the_same_voxels(noise):
    augmentation = Augmentation(**SPATIAL, **INTENSITY)
    first, second, other = (eagerly(augmentation, *noise, seed) for seed in ((1, 2), (1, 2), (3, 4)))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("name", INTENSITY)
def test_intensity_changes_volumes_only(noise, name):
    images, masks = eagerly(Augmentation(**{name: INTENSITY[name]}), *noise)
    assert np.array_equal(masks, noise[1])
    assert (images != noise[0]).any(axis=(1, 2, 3, 4)).all()


@pytest.mark.parametrize(("name", "axis"), [("depth", 1), ("vertical", 2), ("horizontal", 3)])
def test_flip_mirrors_its_axis_to_the_voxel(noise, name, axis):
    images, masks = eagerly(Augmentation(flip=(name,)), *noise)
    mirrored = [not np.array_equal(mask, before) for mask, before in zip(masks, noise[1], strict=True)]
    for index, was_mirrored in enumerate(mirrored):
        expected = [np.flip(values[index], axis - 1) if was_mirrored else values[index] for values in noise]
        assert np.allclose(images[index], expected[0], atol=1e-5)
        assert np.array_equal(masks[index], expected[1])
    assert 0 < sum(mirrored) < COUNT


def test_quarter_turns_turn_every_slice_exactly(apply, noise):
    _, masks = apply(Augmentation(quarter_turns=True), *noise)
    turns = set()
    for mask, turned in zip(noise[1], masks, strict=True):
        (turn,) = [turn for turn in range(4) if np.array_equal(np.rot90(mask, turn, (1, 2)), turned)]
        turns.add(turn)
    assert len(turns) > 1


@pytest.mark.parametrize(("plane", "axes"), [((1, 2), (2, 3)), ((0, 2), (1, 3)), ((0, 1), (1, 2))], ids=str)
def test_a_right_angle_turns_to_the_voxel_in_every_plane(plane, axes):
    volumes = np.random.default_rng(0).random((2, 6, 6, 6, 1)).astype(np.float32)
    masks = (volumes > 0.5).astype(np.uint8)
    matrix = np.eye(3, 4, dtype=np.float32)
    first, second = plane
    matrix[[first, second], [first, second]] = 0
    matrix[first, second], matrix[second, first] = 1, -1
    turned, turned_masks = warp(volumes, 0.0, masks, np.stack([matrix, matrix]), None)
    assert np.allclose(turned, np.rot90(volumes, 1, axes), atol=1e-5)
    assert np.array_equal(turned_masks, np.rot90(masks, 1, axes))


def test_rotation_stays_in_the_slice_and_tilt_leaves_it():
    masks = np.zeros((COUNT, DEPTH, SIZE, SIZE, 1), np.uint8)
    masks[:, 4] = 1
    others = [index for index in range(DEPTH) if index != 4]
    _, rotated = eagerly(Augmentation(rotation=45), masks.astype(np.float32), masks)
    _, tilted = eagerly(Augmentation(tilt=45), masks.astype(np.float32), masks)
    assert not rotated[:, others].any()
    assert tilted[:, others].any(axis=(1, 2, 3, 4)).all()


def test_tilt_keeps_the_centre_and_the_volume():
    masks = np.zeros((COUNT, 16, 16, 16, 1), np.uint8)
    masks[:, 5:11, 5:11, 5:11] = 1
    _, tilted = eagerly(Augmentation(tilt=40), masks.astype(np.float32), masks)
    assert tilted[:, 7:9, 7:9, 7:9].all()
    assert np.allclose(tilted.sum(axis=(1, 2, 3, 4)), 216, rtol=0.15)


def test_scale_changes_all_axes_alike():
    masks = np.zeros((COUNT, 24, 24, 24, 1), np.uint8)
    masks[:, 6:18, 6:18, 6:18] = 1
    _, scaled = eagerly(Augmentation(scale=0.5), masks.astype(np.float32), masks)
    sides = [scaled.any(axis=tuple(set(range(1, 5)) - {axis})).sum(axis=1) for axis in (1, 2, 3)]
    assert np.array_equal(sides[0], sides[1])
    assert np.array_equal(sides[0], sides[2])
    assert sides[0].min() < 12 < sides[0].max()


def test_labels_stay_whole_numbers_of_the_task(noise):
    masks = np.random.default_rng(1).integers(0, 4, (COUNT, DEPTH, SIZE, SIZE, 1)).astype(np.uint8)
    _, changed = eagerly(Augmentation(**SPATIAL), noise[0], masks)
    assert changed.dtype == np.uint8
    assert set(np.unique(changed)) == {0, 1, 2, 3}


def test_a_volume_of_one_slice_is_changed(noise):
    images, masks = eagerly(Augmentation(**SPATIAL, **INTENSITY), noise[0][:, :1], noise[1][:, :1])
    assert np.isfinite(images).all()
    assert masks.shape == (COUNT, 1, SIZE, SIZE, 1)


def test_tilt_turns_about_both_axes_of_the_plane():
    ramp = np.broadcast_to(np.arange(16, dtype=np.float32)[:, None, None, None], (COUNT, 16, 16, 16, 1))
    tilted, _ = eagerly(Augmentation(tilt=20), ramp, np.zeros((COUNT, 1), np.int32))
    middle = tilted[:, 8, 6:10, 6:10, 0]
    for axis in (1, 2):
        assert (abs(np.diff(middle, axis=axis)) > 1e-3).all()
