"""Pictures: PNG, JPEG, TIFF and BMP."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medzoo.files import atomic_file
from medzoo.io.image import Scan, check_pixels, damaged

_WIDTH, _BITS, _SAMPLES, _EXTRA_SAMPLES = 256, 258, 277, 338
_CHUNKS = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles


def _tiff_pages(data: bytes) -> list[dict[int, Any]]:
    """Return the tags of every page; a page that lies behind the end of the file has none."""
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    is_big = data[2:4] in (b"+\0", b"\0+")
    directory = ImageFileDirectory_v2(data[: 16 if is_big else 8])
    stream = io.BytesIO(data)
    pages: dict[int, dict] = {}
    # A damaged file may point back at a page that was read.
    while directory.next and directory.next not in pages:
        offset = directory.next
        if offset + 2 > len(data):
            pages[offset] = {}
            break
        stream.seek(offset)
        directory.load(stream)
        pages[offset] = dict(directory)
    return list(pages.values())


def _is_cut_tiff(data: bytes) -> bool:
    """Whether the first page, or the pixels it points at, reach beyond the end of the file."""
    pages = _tiff_pages(data) if len(data) >= 16 else []
    if not pages or _WIDTH not in pages[0]:
        return True
    return any(
        start + count > len(data)
        for starts, counts in _CHUNKS
        for start, count in zip(pages[0].get(starts, ()), pages[0].get(counts, ()), strict=False)
    )


def _check_single_page(data: bytes, path: str | os.PathLike) -> None:
    """Raise ValueError if a TIFF has several pages: they may be a volume, a time series or a preview."""
    count = len(_tiff_pages(data))
    if count > 1:
        raise ValueError(
            f"{path} holds {count} pages; expected one picture. "
            "Save the page you need as a file of its own, or a volume as NIfTI."
        )


def _has_straight_alpha(page: dict[int, Any]) -> bool:
    """Whether OpenCV would darken the colours by alpha, as it does for RGBA of 8 bits."""
    return _EXTRA_SAMPLES in page and page.get(_SAMPLES) == 4 and page.get(_BITS, (0,))[0] == 8


_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
}
# Only the bit that scales: IMREAD_ANYCOLOR beside it keeps grey JPEGs at one channel.
_SCALE = {
    1: 0,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def read_raster(path: str | os.PathLike, at_least: tuple[int, ...] | None = None) -> Scan:
    """Read a picture upright (EXIF orientation applied).

    Grey files, with or without alpha, give one channel; colour and palette files give three in RGB order. Alpha is
    dropped: the colours are those in the file, also where they are transparent.

    Args:
        path: PNG, JPEG, TIFF (one page) or BMP; the content decides, not the suffix.
        at_least: Height and width in pixels that the caller needs; a JPEG is then decoded at 1/2, 1/4 or 1/8 if
            both sides stay at least that long.

    Returns:
        `array` `(height, width, 1 or 3)`; `shape` is the full height and width, whatever was decoded.

    Raises:
        ValueError: Not a picture, truncated, several pages, or NaN; the message names the file and the fix.
    """
    data = Path(path).read_bytes()
    kind = _kind(data, path)
    _check_complete(data, kind, path)
    shape, factor = _reduction(data, at_least) if kind == "JPEG" and at_least else (None, 1)
    pixels = check_pixels(_decode(data, kind, factor, path), path)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return Scan(pixels, shape or pixels.shape[:2], source=os.fspath(path), kind="raster")


def is_picture(path: str | os.PathLike) -> bool:
    """Whether a file is a picture by its first bytes."""
    with open(path, "rb") as file:
        return file.read(8).startswith(tuple(_MAGIC))


def _kind(data: bytes, path: str | os.PathLike) -> str:
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            return kind
    raise ValueError(
        f"{path} is not a scan that medzoo can read: it is no PNG, JPEG, TIFF or BMP, whatever its suffix says. "
        "Give it the suffix of its format, or convert the file to one of them."
    )


def _check_complete(data: bytes, kind: str, path: str | os.PathLike) -> None:
    """Refuse what decoders would fill up with grey."""
    if _IS_CUT[kind](data):
        raise ValueError(f"{path} is truncated: its {kind} data ends too early. Copy or download the file again.")
    if kind == "TIFF":
        _check_single_page(data, path)


def _is_cut_jpeg(data: bytes) -> bool:
    # An EXIF thumbnail has an end marker of its own, so only one behind the picture's own start counts.
    start = 2
    while start + 4 <= len(data) and data[start + 1] != 0xDA:
        is_fill = data[start + 1] == 0xFF
        start += 1 if is_fill else 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return data.rfind(b"\xff\xd9", start) < 0


_IS_CUT = {
    "JPEG": _is_cut_jpeg,
    "PNG": lambda data: data.rfind(b"IEND\xaeB`\x82") < 0,
    "BMP": lambda data: int.from_bytes(data[2:6], "little") > len(data),
    "TIFF": _is_cut_tiff,
}


def _reduction(data: bytes, at_least: tuple[int, ...]) -> tuple[tuple[int, int] | None, int]:
    """Return the full shape of a JPEG and the largest divisor that leaves `at_least`."""
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG",))
        # Not image.getexif(): it also believes XMP, which OpenCV does not.
        exif = Image.Exif()
        exif.load(image.info.get("exif", b""))
        turned = exif.get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:
        # Pillow refuses some headers that OpenCV reads, in many ways; such a picture is decoded whole.
        return None, 1
    shape = image.size if turned else image.size[::-1]
    fits = [n for n in _SCALE if all(-(-side // n) >= least for side, least in zip(shape, at_least, strict=True))]
    return shape, max(fits, default=1)


def _decode(data: bytes, kind: str, factor: int, path: str | os.PathLike) -> np.ndarray:
    if kind == "TIFF" and _has_straight_alpha(_tiff_pages(data)[0]):
        return _without_alpha(data, path)
    flags = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH | _SCALE[factor]
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise damaged(path, error) from error
    if pixels is None:
        raise damaged(path, f"its {kind} data is damaged or of a kind that OpenCV does not decode")
    if kind == "PNG" and data[25] in (0, 4):
        # Colour types grey and grey with alpha; OpenCV returns the latter as three equal channels.
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., :1])
    return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])


def _without_alpha(data: bytes, path: str | os.PathLike) -> np.ndarray:
    from PIL import Image, ImageOps

    try:
        image = Image.open(io.BytesIO(data))
        # Loading a TIFF turns it upright in newer versions of Pillow, which must not happen twice.
        image.load()
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except OSError as error:
        raise damaged(path, error) from error


def write_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write uint8 `(height, width, 3)` in RGB order, or `(height, width)`, as PNG."""
    data = cv2.imencode(".png", image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(data)


def write_png_mask(path: str | os.PathLike, mask: np.ndarray, scan: Scan, count: int) -> None:
    """Write label `i` of `count` as the grey value `i * (255 // (count - 1))`."""
    write_png(path, mask.astype(np.uint8) * (255 // max(1, count - 1)))


def write_png_heatmap(path: str | os.PathLike, heatmap: np.ndarray, scan: Scan) -> None:
    """Write 0 to 1 as the grey values 0 to 255."""
    write_png(path, np.rint(255 * heatmap).astype(np.uint8))
