"""JPEG streams, decoded strictly: what libjpeg only warns of, and fills up with grey, is an error."""

from __future__ import annotations

import io
import os

import cv2
import numpy as np

from medzoo.io.image import damaged
from medzoo.io.limits import check_size
from medzoo.io.raster.upright import exif_orientation, is_turned, upright

_FACTORS = (8, 4, 2)
_SCALES = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_GREY = "Gray"
# Four colours, which only OpenCV turns into three.
_INKS = ("CMYK", "YCCK")


def is_cut_jpeg(data: bytes) -> bool:
    """Whether a JPEG has no end marker of its own; its EXIF thumbnail has another."""
    start = 2
    while start + 4 <= len(data) and data[start + 1] != 0xDA:
        is_fill = data[start + 1] == 0xFF
        start += 1 if is_fill else 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return data.rfind(b"\xff\xd9", start) < 0


def read_jpeg(
    data: bytes, path: str | os.PathLike, at_least: tuple[int, ...] | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the upright pixels of a JPEG, RGB or grey, and its full height and width.

    Args:
        data: The file.
        path: Its name for messages.
        at_least: Height and width that suffice: it is decoded at 1/8, 1/4 or 1/2 if both stay at least that long.

    Raises:
        ValueError: The stream is damaged or too large. JPEG has no checksum: damage after which the stream still makes
            sense gives other pixels, and no reader can tell.
    """
    height, width, space = _header(data, path)
    check_size((height, width), path)
    orientation = exif_orientation(_exif(data))
    shape = (width, height) if is_turned(orientation) else (height, width)
    factor = _factor(shape, at_least) if at_least else 1
    return upright(_decoded(data, path, space, (height, width), factor), orientation), shape


def check_stream(data: bytes, path: str | os.PathLike) -> None:
    """Refuse a stream that is damaged, such as that of a strip in a TIFF.

    Raises:
        ValueError: libjpeg warns of it, or cannot decode it.
    """
    height, width, space = _header(data, path)
    check_size((height, width), path)
    _strict(data, path, space, (height, width), 1)


def _header(data: bytes, path: str | os.PathLike) -> tuple[int, int, str]:
    import simplejpeg

    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
    except ValueError as error:
        raise damaged(path, f"its JPEG data is damaged: {error}") from error
    return height, width, space


def _exif(data: bytes) -> bytes | None:
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        # Not its getexif(): that also believes XMP, which other readers do not.
        return JpegImageFile(io.BytesIO(data)).info.get("exif")
    except Exception:
        # Pillow refuses some headers that libjpeg reads, in many ways.
        return None


def _factor(shape: tuple[int, int], at_least: tuple[int, ...]) -> int:
    fits = (n for n in _FACTORS if all(-(-side // n) >= least for side, least in zip(shape, at_least, strict=True)))
    return next(fits, 1)


def _decoded(data: bytes, path: str | os.PathLike, space: str, shape: tuple[int, int], factor: int) -> np.ndarray:
    pixels = _strict(data, path, space, shape, factor)
    if space not in _INKS:
        return pixels
    colours = cv2.imdecode(np.frombuffer(data, np.uint8), _SCALES[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    if colours is None:
        raise damaged(path, "its JPEG data is of a kind that OpenCV does not decode")
    return colours[..., ::-1]


def _strict(data: bytes, path: str | os.PathLike, space: str, shape: tuple[int, int], factor: int) -> np.ndarray:
    import simplejpeg

    target = "CMYK" if space in _INKS else "GRAY" if space == _GREY else "RGB"
    # The smallest scale at which both sides have this length is 1 / factor.
    sides = {} if factor == 1 else {"min_height": -(-shape[0] // factor), "min_width": -(-shape[1] // factor)}
    try:
        return simplejpeg.decode_jpeg(data, target, min_factor=factor, **sides)
    except ValueError as error:
        raise damaged(path, f"its JPEG data is damaged: {error}") from error
