"""Float images as whole numbers of 16 bits."""

import numpy as np
import pytest

from medzoo.data.feed.packed_file import EXACT_LEVELS, LEVELS, decode, encode


def noise(shape=(8, 8, 1)):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def back(image):
    codes = encode(image)
    return decode(codes.numbers, codes.low, codes.step)


@pytest.mark.parametrize("outlier", [3, 1e4, -1e6])
def test_an_error_is_at_most_half_a_step_of_the_range(outlier):
    image = noise()
    image[0, 0] = outlier
    assert encode(image).numbers.dtype == np.uint16
    assert back(image).dtype == np.float32
    assert np.abs(back(image) - image).max() <= 0.501 * np.ptp(image) / LEVELS


@pytest.mark.parametrize("normalise", [lambda x: x / 255, lambda x: (x - x.mean()) / x.std(), lambda x: (x - 7) / 41])
def test_a_picture_of_8_bits_is_kept_exactly(normalise):
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.float32)
    image = normalise(picture).astype(np.float32)
    assert encode(image).levels == EXACT_LEVELS
    assert back(image) == pytest.approx(image, rel=1e-6, abs=1e-6)


def test_uneven_values_are_not_taken_for_steps():
    image = np.float32([0, 0.1, 0.35, 1])
    assert encode(image).levels == LEVELS
    assert back(image) == pytest.approx(image, abs=1 / LEVELS)


@pytest.mark.parametrize("value", [0, -3.5])
def test_an_image_of_one_value_is_kept(value):
    image = np.full((4, 4, 1), value, np.float32)
    assert (back(image) == image).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_refused(value):
    image = noise()
    image[1, 1] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        encode(image)
