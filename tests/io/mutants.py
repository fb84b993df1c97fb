"""Files of every kind, and damage to them."""

import gzip
import io

import cv2
import nibabel
import numpy as np
import tifffile
from PIL import Image

RNG = np.random.default_rng(14)
GREY = np.clip(np.add.outer(np.arange(64) * 2, np.arange(48)) + RNG.integers(0, 9, (64, 48)), 0, 255).astype(np.uint8)
COLOUR = np.stack([GREY, 255 - GREY, GREY // 2], -1)


def pillow(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def tiff(pixels, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    return file.getvalue()


def nifti():
    volume = np.tile(GREY[..., None].astype(np.int16), (1, 1, 3))
    return nibabel.Nifti1Image(volume, np.eye(4)).to_bytes()


# Name of the file, its bytes, and whether the format shows every damage of its pixels.
FILES = {
    "grey.png": (pillow(GREY, "PNG"), True),
    "colour.png": (pillow(COLOUR, "PNG"), True),
    "deep.png": (cv2.imencode(".png", GREY.astype(np.uint16) * 257)[1].tobytes(), True),
    "zipped.nii.gz": (gzip.compress(nifti(), mtime=0), True),
    "deflate.tif": (pillow(COLOUR, "TIFF", compression="tiff_adobe_deflate"), True),
    "deep_deflate.tif": (tiff(GREY.astype(np.uint16), compression="zlib", photometric="minisblack"), True),
    "lzw.tif": (pillow(COLOUR, "TIFF", compression="tiff_lzw"), False),
    "packbits.tif": (pillow(COLOUR, "TIFF", compression="packbits"), False),
    "jpeg.tif": (pillow(COLOUR, "TIFF", compression="jpeg"), False),
    "plain.tif": (pillow(COLOUR, "TIFF"), False),
    "baseline.jpg": (pillow(COLOUR, "JPEG"), False),
    "progressive.jpg": (pillow(GREY, "JPEG", progressive=True), False),
    "a.bmp": (pillow(COLOUR, "BMP"), False),
    "a.nii": (nifti(), False),
}


def pixels_of(name, data):
    """Return where the pixels of a file lie, without header."""
    if name.endswith(".tif"):
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages[0]
            return [(start, count) for start, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    return [(0, len(data))]


def mutated(name, data, rng):
    """Return a file with a flipped bit, a changed byte, zeroed bytes, or a cut end."""
    places = pixels_of(name, data)
    start, count = places[rng.integers(len(places))]
    place, kind = start + int(rng.integers(count)), rng.integers(4)
    if kind == 3:
        return data[: max(1, place)]
    changed = bytearray(data)
    if kind == 0:
        changed[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        changed[place] = int(rng.integers(256))
    else:
        size = min(start + count - place, int(rng.integers(1, 65)))
        changed[place : place + size] = bytes(size)
    return bytes(changed)
