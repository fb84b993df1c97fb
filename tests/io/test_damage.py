"""Mutated files are refused, or read pixel-equal; formats without redundancy are named here.

PNG, `.nii.gz` and TIFF strips with deflate have checksums: nothing passes. JPEG, BMP, `.nii` and TIFF strips with LZW,
PackBits, JPEG or no compression have none: a changed value that is still legal cannot be told from a true one, so
there only what the decoder notices, and a cut end, must be refused.

`MEDZOO_MUTANTS=500 pytest tests/io/test_damage.py` tries more files of each format than the default 60.
"""

import gzip
import os
import zlib

import cv2
import numpy as np
import pytest

import medzoo
from medzoo.data.sources.masks import picture_values
from medzoo.io import read_scan
from tests.io.mutants import COLOUR, FILES, GREY, mutated, nifti, pillow, pixels_of, tiff

COUNT = int(os.environ.get("MEDZOO_MUTANTS", 60))


def outcome(path, data, truth):
    path.write_bytes(data)
    try:
        array = read_scan(path).array
    except ValueError as error:
        assert str(path) in str(error)
        assert "\n" not in str(error)
        return "refused"
    return "equal" if np.array_equal(array, truth) else "other"


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File")
@pytest.mark.parametrize("name", FILES)
def test_mutants_are_refused_or_pixel_equal(tmp_path, name):
    data, is_checked = FILES[name]
    (tmp_path / name).write_bytes(data)
    truth, rng = read_scan(tmp_path / name).array, np.random.default_rng(0)
    found = [outcome(tmp_path / name, mutated(name, data, rng), truth) for _ in range(COUNT)]
    print(name, {kind: found.count(kind) for kind in ("refused", "equal", "other")})
    assert not is_checked or "other" not in found
    assert "refused" in found


def zeroed_middle(name, data):
    start, count = pixels_of(name, data)[0]
    cut = start + count // 2
    return data[:cut] + bytes(start + count - cut) + data[start + count :]


BREAKING = ["baseline.jpg", "progressive.jpg", "jpeg.tif", "lzw.tif", "deflate.tif", "packbits.tif", "grey.png"]


@pytest.mark.parametrize("name", BREAKING)
def test_a_stream_that_breaks_in_the_middle_is_refused(tmp_path, name):
    path, data = tmp_path / name, FILES[name][0]
    broken = zeroed_middle(name, data)
    if name.endswith(".jpg"):
        broken = data[: len(data) // 2] + b"\xff\xd9"
    assert outcome(path, broken, None) == "refused"


def test_checksum_and_length_of_nii_gz_are_checked(tmp_path):
    data = gzip.compress(nifti(), mtime=0)
    wrong_crc = data[:-8] + zlib.crc32(b"other").to_bytes(4, "little") + data[-4:]
    for changed in (wrong_crc, data[:-4] + bytes(4), data[:-1], data[:-8]):
        assert outcome(tmp_path / "a.nii.gz", changed, None) == "refused"


def test_members_and_bytes_behind_the_voxels_of_nii_gz_are_read(tmp_path):
    content = nifti()
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content[:999]) + gzip.compress(content[999:] + bytes(99)))
    assert read_scan(tmp_path / "a.nii.gz").shape == (3, 48, 64)


def test_a_mask_is_checked_as_a_scan_is(tmp_path):
    data = bytearray(pillow(GREY, "PNG"))
    data[len(data) // 2] ^= 1
    (tmp_path / "m.png").write_bytes(data)
    with pytest.raises(ValueError, match=r"m\.png cannot be read"):
        picture_values(str(tmp_path / "m.png"))


def test_audit_lists_broken_streams_as_unreadable(tmp_path):
    for name in BREAKING:
        data = FILES[name][0]
        broken = data[: len(data) // 2] + b"\xff\xd9" if name.endswith(".jpg") else zeroed_middle(name, data)
        (tmp_path / name).write_bytes(broken)
    cv2.imwrite(str(tmp_path / "whole.png"), COLOUR)
    found = [finding.sources[0] for finding in medzoo.data.audit(tmp_path).findings if finding.kind == "unreadable"]
    assert sorted(os.path.basename(source) for source in found) == sorted(BREAKING)


def test_a_tile_larger_than_the_picture_is_whole(tmp_path):
    data = tiff(GREY[:10, :10], tile=(64, 64), compression="zlib", photometric="minisblack")
    assert outcome(tmp_path / "a.tif", data, GREY[:10, :10, None]) == "equal"
