"""Numbers for a record."""

from __future__ import annotations

import numpy as np


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Return a number that JSON has, rounded; None for what is not known.

    Example:
        >>> rounded(np.float32(0.5)), rounded(np.nan)
        (0.5, None)
    """
    return round(float(value), digits) if value is not None and np.isfinite(value) else None


def score_json(value: float, low: float, high: float) -> dict[str, float | None]:
    """Return a score with its interval as JSON."""
    return {"value": rounded(value), "low": rounded(low), "high": rounded(high)}
