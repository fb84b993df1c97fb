import errno
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.io import read_scan, write_image, write_mask

PICTURE = read_scan(np.zeros((4, 5), np.uint8))
VOLUME = read_scan(np.zeros((6, 5, 8), np.uint8))
BINARY = ("background", "tumor")


@pytest.fixture
def full_disk(monkeypatch):
    def write_half(self, data):
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)


@pytest.mark.parametrize(("labels", "values"), [(BINARY, [0, 255]), (("a", "b", "c", "d"), [0, 85, 170, 255])])
def test_png_spreads_labels_over_the_greys(tmp_path, labels, values):
    mask = np.zeros((4, 5), np.uint8)
    mask[0, : len(labels)] = range(len(labels))
    write_mask(tmp_path / "Maske-ü.png", mask, PICTURE, labels)
    assert read_scan(tmp_path / "Maske-ü.png").array[0, : len(labels), 0].tolist() == values


def test_volume_of_an_array_keeps_its_axes(tmp_path):
    mask = np.zeros((6, 5, 8), np.uint8)
    mask[1, 2, 3] = 1
    write_mask(tmp_path / "mask.nii.gz", mask, VOLUME, BINARY)
    image = nibabel.load(tmp_path / "mask.nii.gz")
    assert np.array_equal(image.affine, np.eye(4))
    assert np.argwhere(image.dataobj).tolist() == [[1, 2, 3]]
    assert image.get_data_dtype() == np.uint8


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1)])
def test_mask_of_a_dicom_series_lies_on_the_slice_it_was_drawn_on(tmp_path, write_series, orientation):
    scan = read_scan(write_series(heights=(2, 0, 3, 1), orientation=orientation))
    write_mask(tmp_path / "mask.nii.gz", (scan.array[..., 0] == 3).astype(np.uint8), scan, BINARY)
    image = nibabel.load(tmp_path / "mask.nii.gz")
    places = nibabel.affines.apply_affine(image.affine, np.argwhere(image.dataobj)) * (-1, -1, 1)
    assert len(places) == 20
    assert np.allclose(places @ np.cross(orientation[:3], orientation[3:]), 3)


@pytest.mark.parametrize(("scan", "name"), [(PICTURE, "mask.nii.gz"), (PICTURE, "mask.jpg"), (VOLUME, "mask.png")])
def test_suffix_that_does_not_fit_lists_those_that_do(tmp_path, scan, name):
    with pytest.raises(ValueError, match=r"Expected one of: (\.png|\.nii, \.nii\.gz)\."):
        write_mask(tmp_path / name, np.zeros(scan.shape, np.uint8), scan, BINARY)


def test_mask_of_another_shape_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"shape \(4, 5\).*got \(5, 4\)"):
        write_mask(tmp_path / "mask.png", np.zeros((5, 4), np.uint8), PICTURE, BINARY)


def test_label_without_a_name_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="label indices 0 to 1"):
        write_mask(tmp_path / "mask.png", np.full((4, 5), 2, np.uint8), PICTURE, BINARY)


def test_image_is_written_in_rgb_order(tmp_path, ramp):
    colour = np.stack([ramp, 255 - ramp, ramp // 2], -1)
    write_image(tmp_path / "a.png", colour)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], colour)


@pytest.mark.parametrize("image", [np.zeros((2, 2, 3)), np.zeros((2, 2, 4), np.uint8), np.zeros(4, np.uint8)])
def test_image_that_is_not_a_picture_is_an_error(tmp_path, image):
    with pytest.raises(ValueError, match="takes uint8"):
        write_image(tmp_path / "a.png", image)


@pytest.mark.parametrize(("scan", "name"), [(PICTURE, "mask.png"), (VOLUME, "mask.nii.gz")])
def test_full_disk_leaves_what_was_there(tmp_path, full_disk, scan, name):
    with open(tmp_path / name, "wb") as file:
        file.write(b"before")
    with pytest.raises(OSError, match="No space"):
        write_mask(tmp_path / name, np.zeros(scan.shape, np.uint8), scan, BINARY)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"before"
