"""The contract of every row of the table of file formats."""

import os

import numpy as np
import pytest

from medzoo.io import Scan, find_scans, read_scan
from medzoo.io import formats as table
from medzoo.io.formats import FORMATS, Answers, Format, answer_suffix, by_suffix, format_of, stem_of
from medzoo.io.write import write_heatmap, write_mask

SUFFIXES = [(row, suffix) for row in FORMATS for suffix in row.suffixes]
PICTURE, VOLUME = Scan(np.zeros((2, 3, 1)), (2, 3)), Scan(np.zeros((2, 3, 4, 1)), (2, 3, 4))


@pytest.mark.parametrize(("row", "suffix"), SUFFIXES)
def test_a_suffix_says_the_format_and_is_no_part_of_the_name(row, suffix):
    path = f"a/scan.1{suffix.upper()}"
    assert by_suffix(path) is row
    assert stem_of(path) == "a/scan.1"


@pytest.mark.parametrize("scan", [PICTURE, VOLUME], ids=["picture", "volume"])
def test_answers_are_written_with_the_suffix_of_their_format(tmp_path, scan):
    path = tmp_path / f"mask{answer_suffix(scan)}"
    write_mask(path, np.ones(scan.shape, np.uint8), scan, ("background", "tumor"))
    assert read_scan(path).array.any()
    write_heatmap(path, np.ones(scan.shape), scan)
    assert read_scan(path).array.any()


def test_dicom_is_known_by_its_content(write_dicom, ramp):
    assert format_of(write_dicom("IM0001", ramp)).name == "DICOM"


def test_pictures_without_a_suffix_are_read_but_not_looked_for(tmp_path):
    write_mask(tmp_path / "mask.png", np.ones((2, 3), np.uint8), PICTURE, ("background", "tumor"))
    os.rename(tmp_path / "mask.png", tmp_path / "mask")
    assert read_scan(tmp_path / "mask").array.all()
    with pytest.raises(FileNotFoundError, match="Expected PNG, JPEG, TIFF, BMP, DICOM or NIfTI"):
        find_scans(tmp_path)


def test_headers_of_a_series_tell_its_grid(write_series):
    (series,) = find_scans(write_series())
    grid = series.grid()
    assert grid.shape == read_scan(series).shape[::-1]
    assert np.array_equal(grid.affine, read_scan(series).affine)


@pytest.fixture
def text(monkeypatch):
    """A new format: a number in a text file, which takes masks of pictures."""
    row = Format(
        name="number",
        suffixes=(".number",),
        is_content=lambda path: False,
        read=lambda path, at_least: Scan(np.full((2, 2, 1), float(path.read_text())), (2, 2), source=str(path)),
        answers=Answers((".number",), False, lambda path, mask, scan, count: path.write_text("3"), None),
    )
    monkeypatch.setattr(table, "FORMATS", (*FORMATS, row))


def test_a_new_format_is_a_row(text, tmp_path):
    write_mask(tmp_path / "a.number", np.zeros((2, 3), np.uint8), PICTURE, ("background", "tumor"))
    assert find_scans(tmp_path) == [str(tmp_path / "a.number")]
    assert (read_scan(tmp_path / "a.number").array == 3).all()
    assert stem_of("a.number") == "a"
