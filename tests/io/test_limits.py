"""A header that declares more than the limit, or more than its file holds, costs no memory."""

import gzip
import io
import struct
import tracemalloc
import zipfile
import zlib

import nibabel
import numpy as np
import pytest
from PIL import Image

from medzoo.data import from_npz
from medzoo.data.sources.coco_annotations import CocoTarget
from medzoo.io import read_scan
from tests.io.mutants import GREY, nifti, pillow


def png(width, height):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def jpeg(width, height):
    data = bytearray(pillow(GREY, "JPEG"))
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def bmp(width, height):
    data = bytearray(pillow(GREY, "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def tiff(width, height):
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "TIFF", tiffinfo={})
    data = bytearray(file.getvalue())
    (page,) = struct.unpack_from("<I", data, 4)
    for place in range(page + 2, page + 2 + 24, 12):
        (tag,) = struct.unpack_from("<H", data, place)
        if tag in (256, 257):
            data[place + 2 : place + 12] = struct.pack("<HII", 4, 1, {256: width, 257: height}[tag])
    return bytes(data)


def volume(side, kind=np.int16):
    header = nibabel.Nifti1Header()
    header.set_data_dtype(kind)
    header.set_data_shape((side, side, side))
    header["vox_offset"] = 352
    return header.binaryblock + bytes(1028)


def refusal(path, data, match):
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(ValueError, match=match) as caught:
        read_scan(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 20e6


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.png", png(30_000, 30_000)),
        ("a.jpg", jpeg(60_000, 60_000)),
        ("a.bmp", bmp(30_000, 30_000)),
        ("a.tif", tiff(30_000, 30_000)),
        ("a.nii", volume(32767)),
        ("a.nii", volume(700, np.float64)),
    ],
)
def test_more_than_the_limit_is_refused_with_the_variable_that_lifts_it(tmp_path, name, data):
    refusal(tmp_path / name, data, r"limit is 536870912 .* set MEDZOO_MAX_PIXELS=\d+")


def test_voxels_that_the_file_cannot_hold_are_refused(tmp_path):
    refusal(tmp_path / "a.nii", volume(500), "which are not there")
    refusal(tmp_path / "a.nii.gz", gzip.compress(volume(500)), "which are not there")


def test_zeros_that_unpack_to_gigabytes_behind_the_voxels_are_refused(tmp_path):
    refusal(tmp_path / "a.nii.gz", gzip.compress(nifti() + bytes(40_000_000), 1), "much more than its header declares")


def test_thousands_of_pages_that_share_one_tag_are_refused(tmp_path):
    pages, text = 20_000, bytes(2_000_000)
    first = 8 + len(text)
    page = 2 + 12 + 4
    data = [struct.pack("<2sHI", b"II", 42, first), text]
    for number in range(pages):
        following = first + (number + 1) * page if number + 1 < pages else 0
        data.append(struct.pack("<HHHIII", 1, 270, 2, len(text), 8, following))
    refusal(tmp_path / "a.tif", b"".join(data), "a.tif")
    whole = tiff(48, 64)
    (place,) = struct.unpack_from("<I", whole, 4)
    (entries,) = struct.unpack_from("<H", whole, place)
    link = place + 2 + 12 * entries
    changed = whole[:link] + struct.pack("<I", len(whole)) + whole[link + 4 :]
    more = b"".join(struct.pack("<HHHIII", 1, 256, 4, 1, 8, len(whole) + (n + 1) * page) for n in range(5000))
    refusal(tmp_path / "b.tif", changed + more, "over 1000 pages")


def test_the_variable_sets_another_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDZOO_MAX_PIXELS", "1000")
    refusal(tmp_path / "a.png", pillow(GREY, "PNG"), "limit is 1000 .* MEDZOO_MAX_PIXELS=3072")
    monkeypatch.setenv("MEDZOO_MAX_PIXELS", "3072")
    assert read_scan(tmp_path / "a.png").shape == GREY.shape
    monkeypatch.setenv("MEDZOO_MAX_PIXELS", "many")
    with pytest.raises(ValueError, match="MEDZOO_MAX_PIXELS must be a whole number of pixels"):
        read_scan(tmp_path / "a.png")


@pytest.mark.parametrize("sides", [{"Rows": 60_000, "Columns": 60_000}, {"NumberOfFrames": 10**6, "Rows": 1000}])
def test_dicom_that_declares_more_than_the_limit_is_refused(write_dicom, sides):
    path = write_dicom("a.dcm", GREY, **sides)
    refusal(path, path.read_bytes(), "MEDZOO_MAX_PIXELS")


def test_a_series_counts_as_a_whole(write_series, monkeypatch):
    folder = write_series()
    monkeypatch.setenv("MEDZOO_MAX_PIXELS", "79")
    with pytest.raises(ValueError, match="declares 4 x 4 x 5 pixels"):
        read_scan(folder)


@pytest.mark.parametrize("shape", [(10**15,), (4, 10**15), (10**6, 2, 2)])
def test_npz_that_declares_more_than_it_holds_is_refused(tmp_path, shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(99))
    with pytest.raises(ValueError, match=r"a\.npz .*images\.npy declares the shape"):
        from_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("size", [None, (8, 8)])
def test_a_coco_image_that_is_too_high_makes_no_mask(size):
    with pytest.raises(ValueError, match="COCO.*2147483648 x 8"):
        CocoTarget(2**31, 8).mask(size)
