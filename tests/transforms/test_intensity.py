import numpy as np
import pytest

from medzoo.transforms.intensity import (
    NORMALIZATIONS,
    apply_window,
    clip_percentiles,
    rescale,
    rescale_type,
    scale,
    scale_channels,
    to_channels,
    to_display,
)


def normalized(name, image):
    return scale(image, *NORMALIZATIONS[name](image))


@pytest.fixture
def ramp():
    return np.arange(64, dtype=np.float32).reshape(8, 8, 1)


def test_own_number_of_channels_stays():
    image = np.zeros((4, 4, 5), np.uint8)
    assert to_channels(image, 5) is image


def test_grey_is_repeated(ramp):
    repeated = to_channels(ramp, 3)
    assert repeated.shape == (8, 8, 3)
    assert (repeated == ramp).all()


def test_rgb_becomes_its_luma():
    rgb = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert to_channels(rgb, 1)[0, :, 0] == pytest.approx([76.245, 149.685, 29.07])


@pytest.mark.parametrize(("given", "expected"), [(4, 2), (2, 1), (4, 1), (3, 2)])
def test_other_channels_are_refused(given, expected):
    with pytest.raises(ValueError, match=rf"has {given} channels, the model expects {expected}.*array\[\.\.\., :1\]"):
        to_channels(np.zeros((4, 4, given)), expected)


def test_clip_cuts_at_the_percentiles_of_the_image(ramp):
    clipped = clip_percentiles(ramp, 25, 75)
    assert (clipped.min(), clipped.max()) == (15.75, 47.25)
    assert np.array_equal(clipped[2:5], ramp[2:5])


def test_rescale_spans_zero_to_one(ramp):
    rescaled = rescale(ramp - 100)
    assert (rescaled.min(), rescaled.max()) == (0, 1)
    assert rescaled.dtype == np.float32


def test_standardize_gives_mean_zero_and_deviation_one(ramp):
    standard = normalized("standardize", ramp)
    assert (standard.mean(), standard.std()) == pytest.approx((0, 1), abs=1e-6)
    assert standard.dtype == np.float32


@pytest.mark.parametrize(("dtype", "one"), [("uint8", 255), ("uint16", 65535), ("bool", 1)])
def test_range_of_an_unsigned_type_becomes_zero_to_one(dtype, one):
    image = np.array([0, one / 5, one], np.float32)
    assert rescale_type(image, np.dtype(dtype))(image) == pytest.approx([0, 0.2, 1])


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_other_types_are_rescaled_by_the_range_of_the_image(ramp, dtype):
    assert np.array_equal(rescale_type(ramp - 100, np.dtype(dtype))(ramp - 100), rescale(ramp - 100))


def test_each_channel_gets_its_mean_and_deviation():
    scaled = scale_channels(np.array([[[1, 2, 3]]], np.float32), (1, 1, 1), (1, 2, 4))
    assert scaled.tolist() == [[[0, 0.5, 0.5]]]
    assert scaled.dtype == np.float32


def test_one_mean_and_deviation_serve_all_channels():
    assert scale_channels(np.array([[[1, 2]]], np.float32), (1,), (2,)).tolist() == [[[0, 0.5]]]


@pytest.mark.parametrize("name", NORMALIZATIONS)
@pytest.mark.parametrize("value", [0, 0.1, 1e-3, -7.7, 12345.678])
def test_constant_image_becomes_zero(name, value):
    assert not normalized(name, np.full((37, 53, 1), value, np.float32)).any()


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_small_contrast_on_a_large_offset_is_kept(name):
    image = np.full((8, 8, 1), 1000, np.float32)
    image[2:4] += 0.1
    normal = normalized(name, image)
    assert (normal[2:4] > normal[0]).all()


def test_display_keeps_pictures():
    picture = np.random.default_rng(0).integers(256, size=(4, 4, 3)).astype(np.uint8)
    assert np.array_equal(to_display(picture), picture)


@pytest.mark.parametrize(("channels", "shown"), [(1, (0, 0, 0)), (2, (0, 0, 0)), (3, (0, 1, 2)), (4, (0, 1, 2))])
def test_display_shows_three_channels_or_grey(channels, shown):
    image = np.random.default_rng(0).integers(256, size=(4, 4, channels)).astype(np.uint8)
    assert np.array_equal(to_display(image), image[..., list(shown)])


def test_display_windows_what_is_no_picture(ramp):
    displayed = to_display(ramp.astype(np.int16) - 1000)
    assert displayed.shape == (8, 8, 3)
    assert displayed.dtype == np.uint8
    assert (displayed.min(), displayed.max()) == (0, 255)


def test_robust_normalisation_is_hardly_moved_by_an_outlier(ramp):
    robust = normalized("robust", ramp)
    assert np.percentile(robust, (25, 50, 75)) == pytest.approx((-0.5, 0, 0.5))
    ramp[-1, -1] = 1e6
    assert normalized("robust", ramp)[:4] == pytest.approx(robust[:4], abs=0.05)


def test_robust_normalisation_of_mostly_background_divides_by_the_deviation():
    image = np.zeros((8, 8, 1), np.float32)
    image[0] = 10
    assert normalized("robust", image).max() == pytest.approx(10 / image.std())


def test_window_of_hounsfield_units_becomes_zero_to_one():
    units = np.array([-1000, -160, 40, 240, 3000], np.float32)
    assert apply_window(units, 40, 400).tolist() == [0, 0, 0.5, 1, 1]
