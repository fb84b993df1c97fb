"""The contract of every reader, over a table: a new row is tested without a new test; arrays; scans in folders."""

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


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ((8, 7), (8, 7, 1)),
        ((8, 7, 3), (8, 7, 3)),
        ((8, 7, 4), (8, 7, 4)),
        ((8, 7, 6), (8, 7, 6, 1)),
        ((8, 7, 6, 2), (8, 7, 6, 2)),
    ],
)
def test_axes_are_told_apart_by_the_last_one(given, read):
    scan = read_scan(np.zeros(given, np.uint8))
    assert scan.array.shape == read
    assert scan.shape == read[:-1]
    assert scan.source == scan.kind == "array"


@pytest.mark.parametrize("shape", [(8,), (8, 7, 6, 5), (8, 7, 6, 2, 1)])
def test_other_shapes_are_an_error(shape):
    with pytest.raises(ValueError, match="An array must be"):
        read_scan(np.zeros(shape))


@pytest.mark.parametrize(
    ("given", "read"),
    [(bool, "u1"), ("u1", "u1"), ("u2", "u2"), ("i2", "i2"), ("i8", "f4"), ("f2", "f4"), ("f8", "f4")],
)
def test_types_become_at_most_float32(given, read):
    assert read_scan(np.ones((2, 2), given)).array.dtype == np.dtype(read)


@pytest.mark.parametrize("dtype", [object, complex, "U1"])
def test_other_types_are_an_error(dtype):
    with pytest.raises(ValueError, match="expected real numbers"):
        read_scan(np.zeros((2, 2), dtype))


def test_empty_array_is_an_error():
    with pytest.raises(ValueError, match="no pixels"):
        read_scan(np.zeros((0, 4)))


def test_nan_is_an_error():
    with pytest.raises(ValueError, match="array has 1 pixels"):
        read_scan(np.array([[np.nan, 1]]))


def test_neither_path_nor_array_is_a_type_error():
    with pytest.raises(TypeError, match="got list"):
        read_scan([1, 2])


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_order_is_natural_and_recursive(tmp_path):
    touch(tmp_path, "scan10.png", "scan2.JPG", "more/scan1.nii.gz", "scan2.tiff")
    names = [path[len(str(tmp_path)) + 1 :] for path in find_scans(tmp_path)]
    assert names == ["more/scan1.nii.gz", "scan2.JPG", "scan2.tiff", "scan10.png"]


def test_other_and_hidden_files_are_passed_over(tmp_path):
    touch(tmp_path, "scan.png", "notes.txt", "._scan.png", ".cache/scan.png")
    assert find_scans(tmp_path) == [str(tmp_path / "scan.png")]


def test_series_in_two_folders_are_two_scans(tmp_path, write_series):
    write_series("one")
    write_series("two")
    assert [str(scan) for scan in find_scans(tmp_path)] == [str(tmp_path / "one"), str(tmp_path / "two")]


def test_reports_without_pixels_are_passed_over(tmp_path, write_dicom, ramp):
    write_dicom("s/image", ramp)
    write_dicom("s/report", ramp, Rows=0)
    assert find_scans(tmp_path) == [str(tmp_path / "s/image")]


def test_damaged_dicom_is_listed_so_that_reading_it_says_so(tmp_path):
    touch(tmp_path, "broken.dcm")
    assert find_scans(tmp_path) == [str(tmp_path / "broken.dcm")]


def test_folder_without_scans_is_an_error(tmp_path):
    touch(tmp_path, "notes.txt")
    with pytest.raises(FileNotFoundError, match="holds no scans. Expected PNG"):
        find_scans(tmp_path)


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        find_scans(tmp_path / "nowhere")
