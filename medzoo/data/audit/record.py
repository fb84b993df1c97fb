"""The record of an audit and its findings."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.files import write_json

if TYPE_CHECKING:
    from rich.console import Group

# The first makes a test score worthless, the last is good to know.
SEVERITIES = ("leak", "error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One fault of a data set, and the images that have it.

    Args:
        kind: Name of the fault, such as "unreadable" or "near-duplicates between splits".
        severity: "leak": a patient or a picture in two splits; "error": cannot be used as it is, or contradicts itself;
            "warning": should be looked at; "note": good to know.
        sources: Paths of the images; of duplicates the most similar ones first.
        text: The finding in words.
    """

    kind: str
    severity: str
    sources: tuple[str, ...]
    text: str


def short(source: str) -> str:
    """Return the last three parts of a path, which say more than its beginning."""
    return os.sep.join(Path(source).parts[-3:])


@dataclass(frozen=True, repr=False)
class Audit:
    """What was found in a data set.

    Args:
        source: Path of the data set.
        counts: Images by split and class; "" where there is none.
        sizes: Images by size in pixels, the most common one first.
        modes: Images by type of the pixels, channels and kind of file, the most common one first.
        findings: What is wrong, leaks first.
        affected: Number of images with a finding, by its kind, split and class.
        leaked: Number of images that are in another split as well, or have a twin or their patient there, by split and
            class.
        duplicate_groups: Sources of images that are equal or look alike, directly or through others;
            `medzoo.data.group` keeps each group in one split.
        seconds: Duration of the audit.
        images: The images by their source, for the contact sheet.

    Example:
        >>> print(medzoo.data.audit("brain_mri"))
    """

    source: str
    counts: dict[str, dict[str, int]]
    sizes: dict[str, int]
    modes: dict[str, int]
    findings: tuple[Finding, ...]
    affected: dict[str, dict[str, dict[str, int]]]
    leaked: dict[str, dict[str, int]]
    duplicate_groups: tuple[tuple[str, ...], ...]
    seconds: float
    images: Mapping[str, Any] = field(compare=False)

    @property
    def n_images(self) -> int:
        """Number of images."""
        return sum(sum(by_label.values()) for by_label in self.counts.values())

    @property
    def has_leak(self) -> bool:
        """Whether a patient or a picture is in two splits."""
        return any(finding.severity == "leak" for finding in self.findings)

    @property
    def leaked_sources(self) -> tuple[str, ...]:
        """The images of all leaks; a test score without those of the test split is an honest one."""
        leaks = (finding.sources for finding in self.findings if finding.severity == "leak")
        return tuple(dict.fromkeys(source for sources in leaks for source in sources))

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """Return the findings of a kind, such as "unreadable"; none is an empty tuple."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def __rich__(self) -> Group:
        """Return the tables for a terminal."""
        from medzoo.data.audit.report import tables

        return tables(self)

    def __str__(self) -> str:
        """Return the tables as plain text, 120 characters wide."""
        from rich.console import Console

        text = io.StringIO()
        Console(file=text, width=120, color_system=None).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())

    def to_json(self) -> dict[str, Any]:
        """Return the values that JSON takes."""
        value = {name: getattr(self, name) for name in ("source", "n_images", "has_leak", "counts", "sizes", "modes")}
        findings = [{**asdict(finding), "sources": list(finding.sources)} for finding in self.findings]
        groups = [list(group) for group in self.duplicate_groups]
        return {
            **value,
            "affected": self.affected,
            "leaked": self.leaked,
            "findings": findings,
            "duplicate_groups": groups,
            "seconds": self.seconds,
        }

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write `audit.json`, and `suspects.png` with some images of each finding, if there are any to show.

        The sheet shows patient images and stays with the run.

        Returns:
            The paths that were written.
        """
        from medzoo.data.audit.report import write_sheet

        path = Path(folder) / "audit.json"
        write_json(path, self.to_json())
        sheet = write_sheet(self, Path(folder) / "suspects.png")
        return [path] if sheet is None else [path, sheet]
