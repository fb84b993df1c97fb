"""Whether the strips and tiles of a TIFF decode to their end: libtiff stops as soon as it has enough."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from medzoo.io.image import damaged
from medzoo.io.raster.jpeg import check_stream

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _SAMPLES, _ROWS = 256, 257, 258, 259, 277, 278
_TILE_WIDTH, _TILE_HEIGHT, _TABLES = 322, 323, 347
_PACKBITS = 32773
_SLACK = 2**16


def check_strips(strips: Sequence[bytes], tags: dict[int, Any], path: str | os.PathLike) -> None:
    """Refuse strips whose compression shows that they are damaged.

    Deflate has a checksum; a JPEG stream and runs of PackBits must reach their end. LZW is left to the decoder.

    Raises:
        ValueError: One of them is damaged; the message names the file and the strip.
    """
    check = _CHECKS.get(tags.get(_COMPRESSION, 1))
    if not strips or not all(strips):
        raise damaged(path, "it has no pixels, or an empty strip")
    if check is None:
        return
    for number, strip in enumerate(strips):
        reason = check(strip, tags)
        if reason:
            raise damaged(path, f"strip {number} of {len(strips)} is damaged: {reason}")


def _deflate(strip: bytes, tags: dict[int, Any]) -> str:
    stream = zlib.decompressobj()
    try:
        stream.decompress(strip, 2 * _strip_bytes(tags) + _SLACK)
    except zlib.error as error:
        return str(error)
    return "" if stream.eof else "its deflate stream does not end"


def _packbits(strip: bytes, tags: dict[int, Any]) -> str:
    place, size, most = 0, 0, 2 * _strip_bytes(tags) + _SLACK
    while place < len(strip) and size <= most:
        head = strip[place]
        place += 1 if head == 128 else head + 2 if head < 128 else 2
        size += 0 if head == 128 else head + 1 if head < 128 else 257 - head
    # A byte more fills a strip up to an even length.
    return "" if place == len(strip) and size <= most and size % _row_bytes(tags) == 0 else "its runs do not fit"


def _jpeg(strip: bytes, tags: dict[int, Any]) -> str:
    tables = tags.get(_TABLES)
    stream = tables[:-2] + strip[2:] if isinstance(tables, bytes) else strip
    try:
        check_stream(stream, "it")
    except ValueError as error:
        return str(error)
    return ""


_CHECKS: dict[int, Callable[[bytes, dict[int, Any]], str]] = {
    7: _jpeg,
    8: _deflate,
    32946: _deflate,
    _PACKBITS: _packbits,
}


def _row_bytes(tags: dict[int, Any]) -> int:
    samples = tags.get(_SAMPLES, 1) if tags.get(284, 1) == 1 else 1
    return -(-tags.get(_TILE_WIDTH, tags[_WIDTH]) * samples * max(tags.get(_BITS, (1,))) // 8)


def _strip_bytes(tags: dict[int, Any]) -> int:
    rows = tags.get(_TILE_HEIGHT, min(tags.get(_ROWS, tags[_HEIGHT]), tags[_HEIGHT]))
    return rows * _row_bytes(tags)
