"""TIFF that OpenCV mixes up, EXIF of another type, and numbers that float32 does not hold."""

import cv2
import nibabel
import numpy as np
import pytest
from PIL import Image

from medzoo.data.sources.masks import PictureTarget, picture_values
from medzoo.io import read_scan
from tests.io.mutants import COLOUR, GREY, pillow, tiff

DEEP, DEEP_COLOUR = GREY.astype(np.uint16) * 201, COLOUR.astype(np.uint16) * 201


def read(path, data):
    path.write_bytes(data)
    return read_scan(path).array


@pytest.mark.parametrize("byteorder", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bit_tiff_is_right_in_every_layout(tmp_path, byteorder, compression):
    options = {"byteorder": byteorder, "compression": compression}
    path = tmp_path / "a.tif"
    white = read(path, tiff(DEEP, photometric="miniswhite", **options))
    assert np.array_equal(white[..., 0], 65535 - DEEP)
    planes = np.moveaxis(DEEP_COLOUR, -1, 0)
    assert np.array_equal(read(path, tiff(planes, photometric="rgb", planarconfig="separate", **options)), DEEP_COLOUR)
    alpha = np.dstack([DEEP, 65535 - DEEP])
    grey = read(path, tiff(alpha, photometric="minisblack", planarconfig="contig", extrasamples=[2], **options))
    assert grey.dtype == np.uint16
    assert np.array_equal(grey[..., 0], DEEP)
    rgba = read(path, tiff(np.dstack([DEEP_COLOUR, DEEP]), photometric="rgb", extrasamples=[2], **options))
    assert np.array_equal(rgba, DEEP_COLOUR)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u4", "i2", "f2", "f4"])
def test_types_and_layouts_of_tiff(tmp_path, dtype):
    planes = (np.moveaxis(COLOUR, -1, 0) // 3).astype(dtype)
    array = read(tmp_path / "a.tif", tiff(planes, photometric="rgb", planarconfig="separate"))
    assert np.array_equal(array, COLOUR // 3)
    assert np.array_equal(read(tmp_path / "b.tif", tiff(planes[0], photometric="minisblack"))[..., 0], planes[0])


def test_8_bit_white_is_zero_is_inverted(tmp_path):
    assert np.array_equal(read(tmp_path / "a.tif", tiff(GREY, photometric="miniswhite"))[..., 0], 255 - GREY)


def test_white_is_zero_of_signed_numbers_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.tif .*WhiteIsZero"):
        read(tmp_path / "a.tif", tiff(GREY.astype(np.int16), photometric="miniswhite"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_16_bit_tiff_of_every_layout_is_turned_upright_once(tmp_path, orientation):
    tag = [(274, 3, 1, orientation, True)]
    plain = read(tmp_path / "a.tif", tiff(DEEP, photometric="minisblack", extratags=tag))
    planes = np.moveaxis(np.dstack([DEEP] * 3), -1, 0)
    planar = read(tmp_path / "b.tif", tiff(planes, photometric="rgb", planarconfig="separate", extratags=tag))
    assert np.array_equal(plain, planar[..., :1])


def with_orientation_type(kind, value=6):
    exif = Image.Exif()
    exif[0x0112] = value
    data = pillow(COLOUR, "JPEG", exif=exif)
    place = data.index(b"\x01\x12\x00\x03")
    return data[: place + 2] + bytes([0, kind]) + data[place + 4 :]


@pytest.mark.parametrize("kind", range(1, 13))
@pytest.mark.parametrize("at_least", [None, (8, 8)])
def test_orientation_of_any_type_turns_shape_and_pixels_alike(tmp_path, kind, at_least):
    (tmp_path / "a.jpg").write_bytes(with_orientation_type(kind))
    scan = read_scan(tmp_path / "a.jpg", at_least)
    factor = scan.shape[0] // scan.array.shape[0]
    assert scan.array.shape[:2] == tuple(side // factor for side in scan.shape)


def test_a_mask_with_exif_is_turned_as_its_image_is(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "m.png").write_bytes(pillow(GREY, "PNG", exif=exif))
    values = picture_values(str(tmp_path / "m.png"))
    assert np.array_equal(values, read_scan(tmp_path / "m.png").array[..., 0])
    assert PictureTarget(str(tmp_path / "m.png")).shape == values.shape == GREY.shape[::-1]


WIDE = [
    np.float32([[-3e38, 3e38]] * 2),
    np.float64([[0, 1e300]] * 2),
    np.int64([[0, 2**62]] * 2),
    np.uint64([[0, 2**64 - 1]] * 2),
    np.float32([[0, -1e20]] * 2),
]


@pytest.mark.parametrize("array", WIDE, ids=str)
def test_numbers_that_float32_does_not_hold_name_the_scan(tmp_path, array):
    with pytest.raises(ValueError, match=r"^array has .*pixels"):
        read_scan(array)
    nibabel.save(nibabel.Nifti1Image(array[..., None], np.eye(4), dtype=array.dtype), tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match=r"a\.nii\.gz has .*pixels"):
        read_scan(tmp_path / "a.nii.gz")


def test_a_slope_that_leaves_float32_names_the_scan(tmp_path):
    image = nibabel.Nifti1Image(np.full((2, 2, 2), 30000, np.int16), np.eye(4))
    image.header.set_slope_inter(1e36, 0)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(ValueError, match=r"a\.nii has 8 pixels"):
        read_scan(tmp_path / "a.nii")


def test_wide_numbers_in_tiff_name_the_scan(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), np.full((4, 4), 3e38, np.float32))
    with pytest.raises(ValueError, match=r"a\.tif has pixels from"):
        read_scan(tmp_path / "a.tif")
