from __future__ import annotations

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from medzoo.data.augment.intensity import gaussian, smooth_field
from tests.data.augment_ways import eagerly

COUNT, SIZE = 16, 32


def change(images, **fields):
    return eagerly(Augmentation(**fields), images, np.zeros((COUNT, 1), np.int32))[0]


def noise(keys, shape):
    return keras.ops.convert_to_numpy(gaussian(keras.ops.convert_to_tensor(np.array(keys, np.int32)), shape))


@pytest.fixture
def images():
    return np.random.default_rng(0).random((COUNT, SIZE, SIZE, 1), np.float32)


def test_gamma_is_a_power_within_its_limits(images):
    exponents = np.log(change(images, gamma=0.5)) / np.log(images)
    assert (exponents.std(axis=(1, 2, 3)) < 0.01).all()
    assert (abs(np.log(exponents.mean(axis=(1, 2, 3)))) < np.log(1.5) + 1e-3).all()


def test_gamma_leaves_the_range_of_a_standardised_image(images):
    standardised = (images - 0.5) * 6
    changed = change(standardised, gamma=0.5)
    assert (changed != standardised).any(axis=(1, 2, 3)).all()
    for end in (np.min, np.max):
        assert np.allclose(end(changed, axis=(1, 2, 3)), end(standardised, axis=(1, 2, 3)), atol=1e-4)


def test_gamma_of_a_constant_image_is_finite(images):
    assert np.isfinite(change(np.zeros_like(images), gamma=0.5)).all()


def test_contrast_is_a_factor_within_its_limits(images):
    factors = change(images, contrast=0.5) / images
    assert (factors.std(axis=(1, 2, 3)) < 1e-3).all()
    assert (factors > 1 / 1.501).all()
    assert (factors < 1.501).all()
    assert factors.min() < 1 < factors.max()


def test_brightness_adds_one_value_within_its_limit(images):
    added = change(images, brightness=0.2) - images
    assert (added.std(axis=(1, 2, 3)) < 1e-5).all()
    assert (abs(added) < 0.2001).all()
    assert added.min() < 0 < added.max()


def test_noise_has_a_deviation_from_0_to_its_limit_and_no_mean():
    images = change(np.zeros((COUNT, SIZE, SIZE, 3), np.float32), noise=0.5)
    deviations = images.std(axis=(1, 2, 3))
    assert (deviations < 0.53).all()
    assert deviations.min() < 0.2 < 0.3 < deviations.max()
    assert (abs(images.mean(axis=(1, 2, 3))) < 0.05).all()


def test_noise_is_gaussian():
    values = noise([(1, 2)], (100, 100, 100)).ravel()
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs((values**power).mean() - moment) < 0.03
    assert abs(values).max() > 4.5


@pytest.mark.parametrize("other", [(1, 3), (1234567, 7654321)], ids=str)
def test_noise_of_other_keys_and_of_neighbours_is_unrelated(other):
    one, two = noise([(1, 2), other], (40, 40, 40))
    pairs = [(one, two), (one[1:], two[:-1]), (one[..., 1:], two[..., :-1])]
    pairs += [(one[1:], one[:-1]), (one[:, 1:], one[:, :-1]), (one[..., 1:], one[..., :-1])]
    for first, second in pairs:
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02


def test_bias_field_is_smooth_and_within_its_limits():
    field = change(np.ones((COUNT, SIZE, SIZE, 1), np.float32), bias_field=0.5)
    assert (field > 1 / 1.501).all()
    assert (field < 1.501).all()
    assert (field.std(axis=(1, 2, 3)) > 0.01).all()
    assert abs(np.diff(field, axis=1)).max() < 0.05


def test_bias_field_leaves_the_background_of_a_standardised_image(images):
    standardised = (images - 0.5) * 6
    standardised[:, :4] = -3
    changed = change(standardised, bias_field=0.5)
    assert np.allclose(changed[:, :4], -3, atol=1e-5)
    assert not np.allclose(changed[:, 4:], standardised[:, 4:], atol=0.1)


@pytest.mark.parametrize("size", [(8, 5), (4, 1, 6)], ids=str)
def test_equal_control_points_make_a_constant_field(size):
    field = smooth_field(keras.ops.full((2, *[7] * len(size)), 0.3), size)
    assert tuple(field.shape) == (2, *size)
    assert np.allclose(field, 0.3)


def test_a_field_follows_the_control_points_of_each_axis():
    rows, columns = np.arange(7.0, dtype=np.float32)[:, None], np.zeros(7, np.float32)
    field = keras.ops.convert_to_numpy(smooth_field(keras.ops.convert_to_tensor((rows + columns)[None]), (8, 4)))[0]
    assert np.allclose(field, 1 + (np.arange(8)[:, None] + 0.5) / 8 * 4, atol=1e-5)
