"""TIFF: the structure of the file, what its strips must hold, and the reader that fits its pixels."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from medzoo.io.image import damaged
from medzoo.io.limits import check_size
from medzoo.io.raster.tiff_strips import check_strips
from medzoo.io.raster.upright import ORIENTATION, as_orientation, upright

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _PLANAR, _FORMAT = 277, 284, 339
_CHUNKS = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_WHOLE_NUMBERS, _UNSIGNED, _FLOATS = (1, 2), 1, 3
_LZW, _FLOAT_PREDICTOR = 5, 3
_MOST_PAGES = 1000

Tags = dict[int, Any]


def read_tiff(data: bytes, path: str | os.PathLike) -> np.ndarray:
    """Return the upright pixels of a TIFF of one page, `(height, width)` or `(height, width, 3)` in RGB order.

    WhiteIsZero is inverted, alpha is dropped, planes become channels.

    Raises:
        ValueError: It is cut, damaged, too large, has several pages, or pixels that no reader here gets right. Strips
            with deflate have a checksum; in the others, and in headers, damage that leaves legal values gives other
            pixels, and no reader can tell.
    """
    tags = checked_tags(data, path)
    if max(tags.get(_BITS, (1,))) <= 8 and _format(tags) == _UNSIGNED:
        return _by_pillow(data, path)
    pixels = _by_opencv(data, path) if _is_plain(tags) else _by_tifffile(data, tags, path)
    return _black_is_zero(pixels, tags, path)


def checked_tags(data: bytes, path: str | os.PathLike) -> Tags:
    """Return the tags of the only page, after all checks that need no pixels.

    Raises:
        ValueError: As in `read_tiff`.
    """
    count = _count_pages(data)
    tags = _first_tags(data, path) if count else {}
    if _WIDTH not in tags or _HEIGHT not in tags or any(start + size > len(data) for start, size in _chunks(tags)):
        raise ValueError(f"{path} is truncated: its TIFF data ends too early. Copy or download the file again.")
    if count > 1:
        raise ValueError(
            f"{path} holds {'over ' if count > _MOST_PAGES else ''}{min(count, _MOST_PAGES)} pages; expected one "
            "picture. Save the page you need as a file of its own, or a volume as NIfTI."
        )
    samples = tags.get(_SAMPLES, 1)
    check_size((tags[_HEIGHT], tags[_WIDTH]), path, samples * max(tags.get(_BITS, (1,))) / 8)
    check_strips([data[start : start + size] for start, size in _chunks(tags)], tags, path)
    return tags


def _count_pages(data: bytes) -> int:
    """Return the number of pages by their links alone, since many pages may share one huge tag."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    count, link, first, entry = ("Q", "Q", 8, 20) if is_big else ("H", "I", 4, 12)
    seen: set[int] = set()
    try:
        (page,) = struct.unpack_from(order + link, data, first)
        while page and page not in seen and len(seen) <= _MOST_PAGES:
            seen.add(page)
            (entries,) = struct.unpack_from(order + count, data, page)
            (page,) = struct.unpack_from(order + link, data, page + struct.calcsize(count) + entries * entry)
    except struct.error:
        # Behind the end of the file.
        pass
    return len(seen)


def _first_tags(data: bytes, path: str | os.PathLike) -> Tags:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    stream = io.BytesIO(data)
    try:
        directory = ImageFileDirectory_v2(data[: 16 if data[2:4] in (b"+\0", b"\0+") else 8])
        stream.seek(directory.next)
        directory.load(stream)
        return dict(directory)
    except Exception as error:
        # A damaged tag makes Pillow raise nearly anything.
        raise damaged(path, error) from error


def _chunks(tags: Tags) -> Iterator[tuple[int, int]]:
    for starts, counts in _CHUNKS:
        yield from zip(tags.get(starts, ()), tags.get(counts, ()), strict=False)


def _format(tags: Tags) -> int:
    return tags.get(_FORMAT, (_UNSIGNED,))[0]


def _is_plain(tags: Tags) -> bool:
    """Whether OpenCV, which also knows LZW and odd numbers of bits, has the pixels right."""
    samples, planar = tags.get(_SAMPLES, 1), tags.get(_PLANAR, 1)
    is_half = _format(tags) == _FLOATS and max(tags[_BITS]) < 32
    return (samples == 1 or (samples == 3 and planar == 1)) and not is_half


def _by_pillow(data: bytes, path: str | os.PathLike) -> np.ndarray:
    """Read at most 8 bits a sample: OpenCV passes over strips that do not decode, and darkens colours by alpha."""
    from PIL import ImageOps
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        # Not Image.open, which has a limit of its own.
        image = TiffImageFile(io.BytesIO(data))
        # Loading a TIFF turns it upright in newer versions of Pillow, which must not happen twice.
        image.load()
        return np.asarray(ImageOps.exif_transpose(image).convert("L" if image.mode in ("1", "L", "LA") else "RGB"))
    except Exception as error:
        raise damaged(path, error) from error


def _by_opencv(data: bytes, path: str | os.PathLike) -> np.ndarray:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise damaged(path, error) from error
    if pixels is None:
        raise damaged(path, "its TIFF data is damaged or of a kind that OpenCV does not decode")
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])


def _by_tifffile(data: bytes, tags: Tags, path: str | os.PathLike) -> np.ndarray:
    """Read planes, grey with alpha and whatever else OpenCV mixes up."""
    import tifffile

    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pixels = file.pages[0].asarray()
    except Exception as error:
        raise damaged(path, error, "Save it without compression, its samples side by side.") from error
    colours = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3}.get(tags.get(_PHOTOMETRIC, -1), 0)
    if tags.get(_SAMPLES, 1) > 1 and tags.get(_PLANAR, 1) == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    if pixels.shape[:2] != (tags[_HEIGHT], tags[_WIDTH]) or not 0 < colours <= pixels.shape[-1]:
        raise damaged(path, "its samples are neither grey nor RGB", "Save it as grey or RGB.")
    pixels = upright(np.ascontiguousarray(pixels[..., :colours]), as_orientation(tags.get(ORIENTATION)))
    return pixels if colours == 3 else pixels[..., 0]


def _black_is_zero(pixels: np.ndarray, tags: Tags, path: str | os.PathLike) -> np.ndarray:
    """Invert whole numbers where 0 is white."""
    if tags.get(_PHOTOMETRIC) != _WHITE_IS_ZERO:
        return pixels
    if _format(tags) != _UNSIGNED or max(tags[_BITS]) != pixels.itemsize * 8:
        raise damaged(path, "0 is white in it, but no value is black (WhiteIsZero)", "Save it with BlackIsZero.")
    return np.iinfo(pixels.dtype).max - pixels
