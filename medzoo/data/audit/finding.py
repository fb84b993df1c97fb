"""One thing that is wrong with a data set."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# From what makes a test score worthless to what one should know.
SEVERITIES = ("leak", "error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and the images that it is about.

    Args:
        kind: What it is, such as "unreadable" or "near-duplicates between splits".
        severity: "leak": a patient or a picture in two splits; "error": cannot be used as it is, or contradicts itself;
            "warning": look at it; "note": good to know.
        sources: Paths of the images; of duplicates the most alike ones first.
        text: The finding in words.
    """

    kind: str
    severity: str
    sources: tuple[str, ...]
    text: str


def short(source: str) -> str:
    """Return the end of a path, which tells more than its beginning."""
    return os.sep.join(Path(source).parts[-3:])
