"""An audit to look at: tables for a terminal, and a contact sheet of some images of each finding."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from medzoo.data.audit.record import Finding, short
from medzoo.files import atomic_file
from medzoo.io import read_scan

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table
    from rich.text import Text

    from medzoo.data.audit.record import Audit

_COLOURS = {"leak": "bold red", "error": "red", "warning": "yellow", "note": "dim"}
_SHOWN = 3


def tables(audit: Audit) -> Group:
    """Return the counts, the sizes and modes, and one row for each kind of finding."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [
        _counts(audit),
        Text(_imbalance(audit)),
        Text(f"Sizes: {_listing(audit.sizes)}"),
        Text(f"Modes: {_listing(audit.modes)}"),
    ]
    if audit.findings:
        parts += [Text(), _findings(audit)]
    return Group(*parts, Text(), Text(_verdict(audit)))


def _verdict(audit: Audit) -> str:
    groups = audit.duplicate_groups
    parts = [f"Duplicate groups: {len(groups)}, with {sum(map(len, groups))} images."] if groups else []
    if audit.has_leak:
        totals = [
            f"{split} {sum(leaked.values())} of {sum(audit.counts[split].values())}"
            for split, leaked in audit.leaked.items()
        ]
        parts.append(f"LEAK: images whose twin or patient is in another split: {', '.join(totals)}.")
    elif len(audit.counts) > 1:
        parts.append("No leak between the splits was found.")
    return " ".join([*parts, f"{audit.n_images} images in {audit.seconds:.1f} s."])


def _counts(audit: Audit) -> Table:
    splits = list(audit.counts)
    table = _table("class", *(split or "images" for split in splits), *(["all"] if len(splits) > 1 else []))
    labels = sorted({label for counts in audit.counts.values() for label in counts})
    rows = {label or "no class": [audit.counts[split].get(label, 0) for split in splits] for label in labels}
    if len(rows) > 1:
        rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    for name, row in rows.items():
        table.add_row(_plain(name), *map(str, [*row, sum(row)] if len(splits) > 1 else row))
    return table


def _imbalance(audit: Audit) -> str:
    totals: Counter[str] = Counter()
    for counts in audit.counts.values():
        totals.update({label: count for label, count in counts.items() if label})
    if len(totals) < 2:
        return "Classes: none are named by the folders or annotations."
    return (
        f"Classes: {len(totals)}, the largest has {max(totals.values()) / min(totals.values()):.1f} times the smallest."
    )


def _findings(audit: Audit) -> Table:
    kinds: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in audit.findings:
        kinds[finding.severity, finding.kind].append(finding)
    table = _table("", "finding", "found", "images", "first one")
    for (severity, kind), findings in kinds.items():
        images = _per_split(audit.affected.get(kind, {}))
        first = _plain(f"{short(findings[0].sources[0])}: {findings[0].text}")
        table.add_row(severity, kind, str(len(findings)), images, first, style=_COLOURS[severity])
    return table


def _per_split(counts: dict[str, dict[str, int]]) -> str:
    totals = {split: sum(by_label.values()) for split, by_label in counts.items()}
    if not any(totals):
        return str(sum(totals.values()) or "-")
    return ", ".join(f"{split or 'no split'} {count}" for split, count in totals.items())


def _listing(counts: dict[str, int]) -> str:
    shown = [f"{name} ({count})" for name, count in list(counts.items())[:_SHOWN]]
    return ", ".join(shown) + (f", and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else "") or "none"


def _table(*columns: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _plain(text: str) -> Text:
    """Return text as it is: file names may hold what rich takes for markup."""
    from rich.text import Text

    return Text(text)


_PER_KIND = 12
_COLUMNS = 3
_SIDE = 192
_LINE = 14
_LETTERS = 58
# Kinds of findings about the whole data set, or about images that cannot be drawn.
_NOT_SHOWN = ("same name", "grey in RGB", "unreadable", "NaN pixels", "annotations", "empty folder", "missing file")


def write_sheet(audit: Audit, path: Path) -> Path | None:
    """Write up to 12 tiles of each kind of finding, leaks first, and return the path; None if there is none to show."""
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
        # The finding says what is wrong with it.
        return np.full((_SIDE, _SIDE), 64, np.uint8)
    pixels = scan.array[len(scan.array) // 2] if scan.is_volume else scan.array
    scale = _SIDE / max(pixels.shape[:2])
    size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small.mean(axis=-1)
    # OpenCV's stubs do not know that it makes the result itself.
    grey = cv2.normalize(grey, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)  # type: ignore[call-overload]
    return cv2.copyMakeBorder(grey, 0, _SIDE - size[1], 0, _SIDE - size[0], cv2.BORDER_CONSTANT)


def _caption(lines: list[str], width: int) -> np.ndarray:
    strip = np.zeros((_LINE * 3, width), np.uint8)
    for number, line in enumerate(lines):
        # OpenCV draws ASCII only.
        text = line.encode("ascii", "replace").decode()
        cv2.putText(strip, text, (2, _LINE * (number + 1) - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.36, 255, 1, cv2.LINE_AA)
    return strip
