from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.recipe import Recipe
from tests.data.augment_ways import INTENSITY, SPATIAL, WAYS, eagerly, inside_tf_data, overlap

COUNT, SIZE = 16, 32


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def apply(request):
    return request.param


@pytest.fixture
def square():
    """The same bright square, off the centre, in every image and mask."""
    masks = np.zeros((COUNT, SIZE, SIZE, 1), np.uint8)
    masks[:, 6:18, 10:22] = 1
    return masks.astype(np.float32), masks


@pytest.fixture
def noise():
    images = np.random.default_rng(0).random((COUNT, SIZE, SIZE, 1), np.float32)
    return images, (images > 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", SPATIAL)
def test_mask_moves_with_its_image(apply, square, name):
    images, masks = apply(Augmentation(**{name: SPATIAL[name]}), *square)
    assert not np.array_equal(masks, square[1])
    for image, mask in zip(images, masks, strict=True):
        assert overlap(image > 0.5, mask) > 0.9


def test_mask_moves_with_its_image_under_all_changes_together(apply, square):
    images, masks = apply(Augmentation(**SPATIAL), *square)
    assert all(overlap(image > 0.5, mask) > 0.9 for image, mask in zip(images, masks, strict=True))


def test_every_image_of_a_batch_draws_its_own_values(apply, square):
    _, masks = apply(Augmentation(**SPATIAL), *square)
    assert len({mask.tobytes() for mask in masks}) == COUNT


def test_zero_strength_changes_nothing(apply, noise):
    images, masks = apply(Augmentation(), *noise)
    assert np.array_equal(images, noise[0])
    assert np.array_equal(masks, noise[1])


@pytest.mark.parametrize("name", INTENSITY)
def test_intensity_changes_images_only(apply, noise, name):
    images, masks = apply(Augmentation(**{name: INTENSITY[name]}), *noise)
    assert np.array_equal(masks, noise[1])
    assert (images != noise[0]).any(axis=(1, 2, 3)).all()


def test_both_ways_to_apply_give_the_same_pixels(noise):
    augmentation = Augmentation(**SPATIAL, **INTENSITY)
    eager, in_graph = (way(augmentation, *noise) for way in (eagerly, inside_tf_data))
    assert np.allclose(eager[0], in_graph[0], atol=1e-5)
    assert (eager[1] != in_graph[1]).mean() < 1e-3


def test_the_same_seed_gives_the_same_pixels(noise):
    augmentation = Augmentation(**SPATIAL, **INTENSITY)
    first, second, other = (eagerly(augmentation, *noise, seed) for seed in ((1, 2), (1, 2), (3, 4)))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(("axis", "flipped"), [("horizontal", np.s_[:, ::-1]), ("vertical", np.s_[::-1])])
def test_flip_mirrors_to_the_pixel(noise, axis, flipped):
    images, masks = eagerly(Augmentation(flip=(axis,)), *noise)
    mirrored = [not np.array_equal(image, before) for image, before in zip(images, noise[0], strict=True)]
    for index, was_mirrored in enumerate(mirrored):
        expected = flipped if was_mirrored else np.s_[:]
        assert np.allclose(images[index], noise[0][index][expected], atol=1e-5)
        assert np.array_equal(masks[index], noise[1][index][expected])
    assert 0 < sum(mirrored) < COUNT


def test_the_two_flips_are_drawn_half_of_the_time_and_apart():
    images = np.tile(np.arange(4, dtype=np.float32).reshape(1, 2, 2, 1), (1000, 1, 1, 1))
    flipped, _ = eagerly(Augmentation(flip=("horizontal", "vertical")), images, images.astype(np.uint8))
    counts = np.bincount(flipped[:, 0, 0, 0].round().astype(int))
    assert len(counts) == 4
    assert (abs(counts - 250) < 70).all()


def test_rotation_keeps_the_centre_and_the_area(square):
    masks = np.zeros_like(square[1])
    masks[:, 8:24, 8:24] = 1
    _, turned = eagerly(Augmentation(rotation=180), masks.astype(np.float32), masks)
    assert turned[:, 15:17, 15:17].all()
    assert np.allclose(turned.sum(axis=(1, 2, 3)), 256, rtol=0.06)


def test_rotation_keeps_shapes_where_height_and_width_differ():
    masks = np.zeros((COUNT, 24, 48, 1), np.uint8)
    masks[:, 8:16, 20:28] = 1
    _, turned = eagerly(Augmentation(rotation=180), masks.astype(np.float32), masks)
    assert np.allclose(turned.sum(axis=(1, 2, 3)), 64, rtol=0.15)


def test_scale_stays_within_its_limits(square):
    _, masks = eagerly(Augmentation(scale=0.5), *square)
    area = masks.sum(axis=(1, 2, 3)) / square[1][0].sum()
    assert (area > 0.8 / 1.5**2).all()
    assert (area < 1.2 * 1.5**2).all()
    assert area.min() < 1 < area.max()


def test_stretch_changes_the_ratio_of_the_sides(square):
    _, masks = eagerly(Augmentation(stretch=0.5), *square)
    heights, widths = (masks.any(axis=axes).sum(axis=1) for axes in ((2, 3), (1, 3)))
    assert (widths == 12).all()
    assert heights.min() < 12 < heights.max()


def test_shift_moves_by_at_most_its_fraction(square):
    _, masks = eagerly(Augmentation(shift=0.125), *square)
    tops = masks.any(axis=(2, 3)).argmax(axis=1)
    assert (abs(tops - 6) <= 4).all()
    assert len(set(tops)) > 3


def test_labels_stay_whole_numbers_of_the_task(noise):
    masks = np.random.default_rng(1).integers(0, 4, (COUNT, SIZE, SIZE, 1)).astype(np.uint8)
    _, changed = eagerly(Augmentation(**SPATIAL), noise[0], masks)
    assert changed.dtype == np.uint8
    assert set(np.unique(changed)) == {0, 1, 2, 3}


def test_several_channels_change_alike_but_for_their_noise(noise):
    images = np.repeat(noise[0], 3, axis=-1)
    changed, _ = eagerly(Augmentation(**SPATIAL, **(INTENSITY | {"noise": 0})), images, noise[1])
    assert np.allclose(changed[..., 0], changed[..., 2])


def test_json_form_is_read_back():
    value = {"flip": ["horizontal"], "rotation": 10}
    assert Augmentation.from_json(value) == Augmentation(flip=("horizontal",), rotation=10)


def test_an_unknown_field_shows_the_near_match():
    with pytest.raises(ValueError, match="'rotation'"):
        Augmentation.from_json({"rotate": 10})


def test_an_unknown_axis_shows_the_near_match():
    with pytest.raises(ValueError, match="'horizontal'"):
        Augmentation(flip=("horizontally",))


def test_a_negative_strength_is_an_error():
    with pytest.raises(ValueError, match=r"`augmentation.shift` must be a number of at least 0. Received: -0\.1"):
        Augmentation(shift=-0.1)


def test_quarter_turns_turn_pixels_exactly_and_by_all_four(apply, noise):
    images, masks = noise
    turned_images, turned_masks = apply(Augmentation(quarter_turns=True), images, masks)
    turns = set()
    for image, mask, turned_image, turned_mask in zip(images, masks, turned_images, turned_masks, strict=True):
        (turn,) = [turn for turn in range(4) if np.allclose(np.rot90(image, turn), turned_image, atol=1e-4)]
        assert np.array_equal(np.rot90(mask, turn), turned_mask)
        turns.add(turn)
    assert turns == {0, 1, 2, 3}


def test_one_more_change_leaves_the_others_as_they_were(noise):
    few = eagerly(Augmentation(rotation=45), *noise)
    many = eagerly(Augmentation(rotation=45, noise=0.1, mixup=0), *noise)
    assert np.array_equal(few[1], many[1])


def test_without_xla_the_pixels_are_the_same(noise, monkeypatch):
    augmentation = Augmentation(**SPATIAL, **INTENSITY)
    fused = eagerly(augmentation, *noise)
    monkeypatch.setattr("medzoo.data.augment.tf_ops.has_xla", lambda: False)
    plain = eagerly(augmentation, *noise)
    assert np.allclose(plain[0], fused[0], atol=1e-4)
    assert (plain[1] != fused[1]).mean() < 1e-3


@pytest.mark.parametrize("targets", [np.array([[0], [1]]), np.eye(2, dtype=np.float32)], ids=["indices", "one_hot"])
def test_targets_that_are_no_masks_stay_as_they_are(apply, noise, targets):
    images, same = apply(Augmentation(**SPATIAL, **INTENSITY), noise[0][:2], targets)
    assert not np.array_equal(images, noise[0][:2])
    assert np.array_equal(same, targets)
    assert same.dtype == targets.dtype


def test_beyond_the_border_lies_the_darkest_value_of_a_standardised_image():
    images = np.full((COUNT, SIZE, SIZE, 1), 2, np.float32)
    images[:, 16, 16] = -3
    shifted, _ = eagerly(Augmentation(rotation=45), images, np.ones_like(images, np.uint8))
    assert (shifted[:, [0, 0, -1, -1], [0, -1, 0, -1]].min(axis=1) == -3).sum() > COUNT / 2


def test_beyond_the_border_lies_0_where_an_image_is_brighter():
    images = np.full((COUNT, SIZE, SIZE, 1), 0.5, np.float32)
    shifted, masks = eagerly(Augmentation(shift=0.5), images, np.ones_like(images, np.uint8))
    assert (shifted[masks == 0] < 0.5).all()
    assert shifted.min() == 0


def test_elastic_displaces_by_at_most_its_fraction_and_not_everywhere_alike():
    ramp = np.broadcast_to(np.linspace(0, 1, SIZE, dtype=np.float32)[:, None], (COUNT, SIZE, SIZE, 1))
    moved, _ = eagerly(Augmentation(elastic=0.1), ramp, np.zeros_like(ramp, np.uint8))
    displacement = (moved - ramp)[:, 4:-4, 4:-4]
    assert abs(displacement).max() < 0.1 * SIZE / (SIZE - 1)
    assert (displacement.std(axis=(1, 2, 3)) > 0.01).all()


def test_too_strong_an_elastic_change_is_an_error():
    with pytest.raises(ValueError, match=r"`augmentation.elastic` must be a number of at least 0 and at most 0\.1"):
        Augmentation(elastic=0.2)


@pytest.mark.parametrize("change", [{"tilt": 5}, {"flip": ("depth",)}], ids=str)
def test_a_change_of_volumes_is_an_error_for_images(noise, change):
    with pytest.raises(ValueError, match=r"expects volumes \(batch, depth, height, width, channels\)"):
        eagerly(Augmentation(**change), *noise)


def test_a_mask_without_its_channel_is_an_error(noise):
    with pytest.raises(ValueError, match=r"expects masks .* Received: shape \(16, 32, 32\)"):
        eagerly(Augmentation(rotation=5), noise[0], noise[1][..., 0])


def test_the_embedded_recipe_is_understood():
    recipe = Recipe.load(Path(__file__).parents[2] / "zoo_cards" / "brain-tumor-unet" / "recipe.json")
    assert Augmentation.from_json(recipe.augmentation).quarter_turns
