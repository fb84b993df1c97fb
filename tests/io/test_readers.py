"""The contract of every reader, over a table: a new row is tested without a new test."""

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.io import find_scans, read_scan

SUFFIXES = [".png", ".jpg", ".tif", ".bmp", ".dcm", ".nii", ".nii.gz"]


@pytest.fixture(params=SUFFIXES)
def path(request, tmp_path, write_dicom, ramp):
    path = tmp_path / f"Schädel-扫描{request.param}"
    if request.param == ".dcm":
        return write_dicom(path.name, ramp)
    if ".nii" in request.param:
        nibabel.save(nibabel.Nifti1Image(np.tile(ramp[..., None], (1, 1, 8)), np.diag([1, 2, 3, 1])), path)
    else:
        path.write_bytes(cv2.imencode(request.param, ramp)[1].tobytes())
    return path


def test_array_has_channels_behind_its_shape(path):
    scan = read_scan(path)
    assert scan.array.shape == (*scan.shape, 1)
    assert scan.array.dtype in (np.uint8, np.uint16, np.int16, np.float32)
    assert scan.array.flags.c_contiguous


def test_source_and_kind_say_where_it_came_from(path):
    scan = read_scan(path)
    assert scan.source == str(path)
    assert scan.kind in ("raster", "dicom", "nifti")


def test_folder_of_one_scan_reads_as_that_scan(path):
    assert np.array_equal(read_scan(path.parent).array, read_scan(path).array)


def test_find_scans_lists_it(path):
    assert find_scans(path.parent) == [str(path)]


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File")
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9])
def test_truncated_file_is_a_one_line_error(path, kept):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(ValueError, match=r"again|convert") as caught:
        read_scan(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_empty_file_is_an_error(path):
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="0 bytes"):
        read_scan(path)


def test_other_content_is_an_error(path):
    path.write_bytes(b"this is a letter, not a scan" * 50)
    with pytest.raises(ValueError) as caught:
        read_scan(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_is_an_error(path):
    path.unlink()
    with pytest.raises(FileNotFoundError, match="Check the path"):
        read_scan(path)
