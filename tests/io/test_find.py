import pytest

from medzoo.io import find_scans


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
