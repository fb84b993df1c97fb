"""What must be known of a TIFF before OpenCV decodes it."""

from __future__ import annotations

import io
import os
from typing import Any

_WIDTH, _BITS, _SAMPLES, _EXTRA_SAMPLES = 256, 258, 277, 338
_CHUNKS = ((273, 279), (324, 325))  # offsets and byte counts, of strips and of tiles


def tiff_pages(data: bytes) -> list[dict[int, Any]]:
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


def is_cut_tiff(data: bytes) -> bool:
    """Whether the first page, or the pixels it points at, reach beyond the end of the file."""
    pages = tiff_pages(data) if len(data) >= 16 else []
    if not pages or _WIDTH not in pages[0]:
        return True
    return any(
        start + count > len(data)
        for starts, counts in _CHUNKS
        for start, count in zip(pages[0].get(starts, ()), pages[0].get(counts, ()), strict=False)
    )


def check_single_page(data: bytes, path: str | os.PathLike) -> None:
    """Raise ValueError if a TIFF has several pages: they may be a volume, a time series or a preview."""
    count = len(tiff_pages(data))
    if count > 1:
        raise ValueError(
            f"{path} holds {count} pages; expected one picture. "
            "Save the page you need as a file of its own, or a volume as NIfTI."
        )


def has_straight_alpha(page: dict[int, Any]) -> bool:
    """Whether OpenCV would darken the colours by alpha, as it does for RGBA of 8 bits."""
    return _EXTRA_SAMPLES in page and page.get(_SAMPLES) == 4 and page.get(_BITS, (0,))[0] == 8
