"""The contact sheet: some images of each finding, duplicates side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from medzoo.data.audit.record import Finding, short
from medzoo.files import atomic_file
from medzoo.io import read_scan

if TYPE_CHECKING:
    from medzoo.data.audit.record import Audit

_PER_KIND = 12
_COLUMNS = 3
_SIDE = 192
_LINE = 14
_LETTERS = 58
# Findings of one kind that are about the whole data set, or about images that cannot be drawn.
_NOT_SHOWN = ("same name", "grey in RGB", "unreadable", "NaN pixels", "annotations", "empty folder", "missing file")


def write_sheet(audit: Audit, path: Path) -> Path | None:
    """Write up to 12 tiles of each kind of finding, leaks first; nothing, and None, where there is nothing to show."""
    tiles = [_tile(audit, finding) for finding in _chosen(audit.findings)]
    if not tiles:
        return None
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % _COLUMNS)
    rows = [np.hstack(tiles[start : start + _COLUMNS]) for start in range(0, len(tiles), _COLUMNS)]
    with atomic_file(path) as temporary:
        cv2.imwrite(str(temporary), np.vstack(rows))
    return path


def _chosen(findings: tuple[Finding, ...]) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for finding in findings:
        if finding.kind not in _NOT_SHOWN and seen[finding.kind] < _PER_KIND:
            seen[finding.kind] += 1
            yield finding


def _tile(audit: Audit, finding: Finding) -> np.ndarray:
    """Return the first two images of a finding with its kind and their names, (height, width) as uint8."""
    sources = finding.sources[:2]
    pictures = [_picture(audit.images.get(source, source)) for source in sources]
    tile = np.hstack([*pictures, *[np.zeros((_SIDE, _SIDE), np.uint8)] * (2 - len(pictures))])
    lines = [f"{finding.severity}: {finding.kind}", *(short(source)[-_LETTERS:] for source in sources)]
    return cv2.copyMakeBorder(np.vstack([tile, _caption(lines, tile.shape[1])]), 2, 6, 2, 6, cv2.BORDER_CONSTANT)


def _picture(source: Any) -> np.ndarray:
    """Return the image, or the middle slice of a volume, fitted into a square, with its whole range of grey."""
    try:
        scan = read_scan(source, at_least=(_SIDE, _SIDE))
    except Exception:
        # Whatever was wrong with it is in the finding.
        return np.full((_SIDE, _SIDE), 64, np.uint8)
    pixels = scan.array[len(scan.array) // 2] if scan.is_volume else scan.array
    scale = _SIDE / max(pixels.shape[:2])
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small.mean(axis=-1)
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return cv2.copyMakeBorder(grey, 0, _SIDE - size[1], 0, _SIDE - size[0], cv2.BORDER_CONSTANT)


def _caption(lines: list[str], width: int) -> np.ndarray:
    strip = np.zeros((_LINE * 3, width), np.uint8)
    for number, line in enumerate(lines):
        # OpenCV's letters are ASCII.
        text = line.encode("ascii", "replace").decode()
        cv2.putText(strip, text, (2, _LINE * (number + 1) - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 255, 1, cv2.LINE_AA)
    return strip
