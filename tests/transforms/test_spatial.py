import numpy as np
import pytest

from medzoo.transforms.spatial import fit_inside, paste, resize


def stripes(height, width, channels=1):
    image = np.zeros((height, width, channels), np.float32)
    image[:, ::2] = 1
    return image


@pytest.mark.parametrize("size", [(4, 4), (16, 16), (4, 16), (16, 4), (8, 4), (8, 8), (7, 5)])
@pytest.mark.parametrize("channels", [1, 2, 3, 5, 9])
def test_resize_keeps_channels_and_a_constant(size, channels):
    resized = resize(np.full((8, 8, channels), 3, np.float32), size)
    assert resized.shape == (*size, channels)
    assert resized == pytest.approx(3)


def test_shrinking_averages_over_the_area():
    image = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    assert resize(image, (2, 2))[..., 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_enlarging_is_bilinear():
    image = np.array([[[0.0], [1.0]]], np.float32)
    assert resize(image, (1, 4))[0, :, 0].tolist() == [0, 0.25, 0.75, 1]


def test_axis_that_shrinks_is_averaged_while_the_other_grows():
    assert resize(stripes(8, 64), (16, 4)) == pytest.approx(0.5)


def test_resize_takes_a_view_in_any_order_of_memory():
    image = np.random.default_rng(0).random((6, 8, 3), np.float32)
    turned = image.transpose(1, 0, 2)[::-1]
    assert np.array_equal(resize(turned, (4, 3)), resize(np.ascontiguousarray(turned), (4, 3)))


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((100, 100), (10, 10), ((0, 0), (10, 10))),
        ((100, 50), (10, 10), ((0, 2), (10, 5))),
        ((50, 100), (10, 10), ((2, 0), (5, 10))),
        ((5, 5), (10, 20), ((0, 5), (10, 10))),
        ((1000, 1), (8, 8), ((0, 3), (8, 1))),
        ((4, 8, 8), (8, 8, 12), ((2, 0, 2), (4, 8, 8))),
    ],
)
def test_fit_inside_keeps_the_shape_and_the_centre(shape, size, expected):
    assert fit_inside(shape, size) == expected


def test_paste_sets_the_image_on_black():
    pasted = paste(np.ones((2, 1, 3), np.uint8), (4, 4), (1, 2))
    assert pasted.shape == (4, 4, 3)
    assert pasted.dtype == np.uint8
    assert np.argwhere(pasted[..., 0]).tolist() == [[1, 2], [2, 2]]


def test_paste_sets_a_volume_on_black():
    pasted = paste(np.ones((1, 2, 1, 3), np.uint8), (2, 4, 4), (1, 1, 2))
    assert pasted.shape == (2, 4, 4, 3)
    assert np.argwhere(pasted[..., 0]).tolist() == [[1, 1, 2], [1, 2, 2]]


@pytest.mark.parametrize("size", [(2, 4, 4), (8, 4, 6), (4, 8, 8), (3, 5, 7), (9, 2, 10)])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_resize_keeps_the_channels_of_a_volume_apart(size, channels):
    volume = np.broadcast_to(np.arange(channels, dtype=np.float32), (4, 8, 6, channels))
    resized = resize(volume, size)
    assert resized.shape == (*size, channels)
    assert resized == pytest.approx(np.broadcast_to(np.arange(channels), resized.shape))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis_of_a_volume_is_interpolated_linearly(axis):
    ramp = np.zeros((2, 2, 2, 1), np.float32)
    ramp[(slice(None),) * axis + (1,)] = 1
    enlarged = np.moveaxis(resize(ramp, (4, 4, 4)), axis, 0)
    for index, value in enumerate([0, 0.25, 0.75, 1]):
        assert enlarged[index] == pytest.approx(value)


def test_shrinking_a_volume_averages_over_its_voxels():
    volume = np.arange(64, dtype=np.float32).reshape(4, 4, 4, 1)
    assert resize(volume, (2, 2, 2))[0, 0, 0, 0] == volume[:2, :2, :2].mean()
    assert resize(volume, (1, 1, 1)).item() == volume.mean()
