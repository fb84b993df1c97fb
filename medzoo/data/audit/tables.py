"""An audit as tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from medzoo.data.audit.record import Finding, short

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from medzoo.data.audit.record import Audit

_COLOURS = {"leak": "bold red", "error": "red", "warning": "yellow", "note": "dim"}
_SHOWN = 3


def tables(audit: Audit) -> Group:
    """Return the counts, the sizes and modes, and one row for each kind of finding."""
    from rich.console import Group
    from rich.text import Text

    parts = [
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
    totals = Counter()
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
    for (severity, kind), found in kinds.items():
        images = _per_split(audit.affected.get(kind, {}))
        first = _plain(f"{short(found[0].sources[0])}: {found[0].text}")
        table.add_row(severity, kind, str(len(found)), images, first, style=_COLOURS[severity])
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
    """File names may hold what rich takes for markup."""
    from rich.text import Text

    return Text(text)
