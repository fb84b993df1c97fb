"""Names of labels."""

from __future__ import annotations

from typing import Any

# Masks are uint8.
_MOST = 256


def are_names(labels: Any) -> bool:
    """Return whether `labels` lists 2 to 256 different texts; a lone text does not, or each letter were a label."""
    if not isinstance(labels, (tuple, list)) or not 2 <= len(labels) <= _MOST:
        return False
    return all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)
