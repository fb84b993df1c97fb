import io

import cv2
import numpy as np
import pytest
from PIL import Image

from medzoo.io import read_scan
from medzoo.io.raster.read import read_raster


@pytest.fixture
def colour(ramp):
    return np.stack([ramp, 255 - ramp, ramp // 2], -1)


def save(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_rgb_comes_in_rgb_order(tmp_path, colour, suffix):
    assert np.array_equal(read_scan(save(tmp_path / f"a{suffix}", Image.fromarray(colour))).array, colour)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_rgba_drops_alpha_and_keeps_colours(tmp_path, colour, ramp, suffix):
    path = save(tmp_path / f"a{suffix}", Image.fromarray(np.dstack([colour, ramp])))
    assert np.array_equal(read_scan(path).array, colour)


def test_rgba_tiff_is_turned_upright_once(tmp_path, colour, ramp):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.tif", Image.fromarray(np.dstack([colour, ramp])), exif=exif)
    assert np.array_equal(read_scan(path).array, np.rot90(colour, -1))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_with_alpha_is_one_channel(tmp_path, ramp, suffix):
    path = save(tmp_path / f"a{suffix}", Image.fromarray(np.dstack([ramp, 255 - ramp]), "LA"))
    assert np.array_equal(read_scan(path).array[..., 0], ramp)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_palette_becomes_rgb(tmp_path, colour, suffix):
    image = Image.fromarray(colour).quantize(16)
    assert np.array_equal(read_scan(save(tmp_path / f"a{suffix}", image)).array, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_one_bit_becomes_black_and_white(tmp_path, ramp, suffix):
    path = save(tmp_path / f"a{suffix}", Image.fromarray(ramp > 99))
    assert np.array_equal(read_scan(path).array[..., 0], (ramp > 99) * np.uint8(255))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bits_stay_uint16(tmp_path, colour, suffix, channels):
    deep = colour[..., :channels].astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep[..., ::-1])
    array = read_scan(tmp_path / f"a{suffix}").array
    assert array.dtype == np.uint16
    assert np.array_equal(array, deep)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_wide_tiff_becomes_float32(tmp_path, ramp, dtype):
    cv2.imwrite(str(tmp_path / "a.tif"), ramp.astype(dtype))
    array = read_scan(tmp_path / "a.tif").array
    assert array.dtype == np.float32
    assert np.array_equal(array[..., 0], ramp)


def test_cmyk_jpeg_becomes_rgb(tmp_path, colour):
    image = Image.fromarray(colour).convert("CMYK")
    array = read_scan(save(tmp_path / "a.jpg", image, quality=100)).array
    assert np.abs(array.astype(int) - np.asarray(image.convert("RGB"))).max() <= 12


UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_exif_orientation_is_applied(tmp_path, ramp, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    scan = read_scan(save(tmp_path / f"a{suffix}", Image.fromarray(ramp), exif=exif, quality=100))
    expected = UPRIGHT[orientation](ramp)
    assert scan.shape == expected.shape
    assert np.abs(scan.array[..., 0].astype(int) - expected).max() <= 2


@pytest.mark.parametrize(
    ("at_least", "decoded"),
    [((60, 40), (60, 40)), ((31, 20), (60, 40)), ((30, 20), (30, 20)), ((15, 10), (15, 10)), ((8, 5), (8, 5))],
)
def test_jpeg_is_reduced_only_as_far_as_asked(tmp_path, at_least, decoded):
    path = save(tmp_path / "a.jpg", Image.new("L", (40, 60)))
    scan = read_scan(path, at_least=at_least)
    assert scan.array.shape == (*decoded, 1)
    assert scan.shape == (60, 40)


def test_reduced_jpeg_counts_height_and_width_after_rotation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(tmp_path / "a.jpg", Image.new("RGB", (61, 31)), exif=exif)
    scan = read_scan(path, at_least=(30, 16))
    assert scan.array.shape == (31, 16, 3)
    assert scan.shape == (61, 31)


def test_small_picture_is_read_whole_where_more_is_needed(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("L", (8, 8)))
    assert read_scan(path, at_least=(512, 512)).array.shape == (8, 8, 1)


def test_damaged_exif_is_no_reason_to_refuse(tmp_path):
    path = save(tmp_path / "a.jpg", Image.new("L", (16, 16)), exif=b"Exif\0\0nonsense")
    assert read_scan(path, at_least=(2, 2)).shape == (16, 16)


def test_jpeg_cut_behind_its_thumbnail_is_truncated(tmp_path, ramp):
    thumbnail = io.BytesIO()
    Image.fromarray(ramp).save(thumbnail, "JPEG")
    path = save(tmp_path / "a.jpg", Image.fromarray(ramp), exif=b"Exif\0\0" + thumbnail.getvalue())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="truncated"):
        read_scan(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_bytes_behind_the_picture_do_no_harm(tmp_path, ramp, suffix):
    path = save(tmp_path / f"a{suffix}", Image.fromarray(ramp))
    path.write_bytes(path.read_bytes() + b"appended by a camera")
    assert read_scan(path).shape == ramp.shape


def test_content_decides_not_the_suffix(tmp_path, ramp):
    path = save(tmp_path / "a.jpg", Image.fromarray(ramp), format="PNG")
    assert np.array_equal(read_scan(path).array[..., 0], ramp)


def test_tiff_of_several_pages_names_their_number(tmp_path, ramp):
    page = Image.fromarray(ramp)
    path = save(tmp_path / "a.tif", page, save_all=True, append_images=[page, page])
    with pytest.raises(ValueError, match="holds 3 pages.*NIfTI"):
        read_scan(path)


def test_nan_pixels_name_file_and_count(tmp_path, ramp):
    array = ramp.astype(np.float32)
    array[:2, 0] = np.nan, np.inf
    cv2.imwrite(str(tmp_path / "a.tif"), array)
    with pytest.raises(ValueError, match=r"a\.tif has 2 pixels.*nan_to_num"):
        read_raster(tmp_path / "a.tif")
