"""Scores as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from medzoo.errors import printable


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Return a number for JSON, rounded; None if it is undefined.

    Example:
        >>> rounded(np.float32(0.5)), rounded(np.nan)
        (0.5, None)
    """
    return round(float(value), digits) if value is not None and np.isfinite(value) else None


def score_json(value: float, low: float, high: float) -> dict[str, float | None]:
    """Return a score with its interval as JSON."""
    return {"value": rounded(value), "low": rounded(low), "high": rounded(high)}


def number(value: float | None) -> str:
    """Return a score with as many digits as a reader needs.

    Example:
        >>> [number(value) for value in (0.7415, 12345.6, 0.00012, None)]
        ['0.742', '12346', '1.2e-04', '-']
    """
    if value is None:
        return "-"
    size = abs(value)
    return f"{value:.0f}" if size >= 10_000 else f"{value:.1e}" if 0 < size < 0.0005 else f"{value:.3f}"


def with_interval(score: Mapping[str, float | None]) -> tuple[str, str]:
    """Return the value and the interval of `{"value", "low", "high"}`."""
    if score["low"] is None:
        return number(score["value"]), "-"
    return number(score["value"]), f"{number(score['low'])} to {number(score['high'])}"


def with_spread(mean: float | None, std: float | None) -> str:
    """Return a mean and its standard deviation; a dash if the mean is undefined.

    Example:
        >>> with_spread(0.7415, 0.02)
        '0.742 +- 0.020'
    """
    return "-" if mean is None else f"{number(mean)} +- {number(std)}"


_BLANKS = str.maketrans("\n\t", "  ")


def align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines of one width, the first column flush left, the others flush right.

    Example:
        >>> align([("dice", "0.8"), ("accuracy", "0.95")])
        ['dice       0.8', 'accuracy  0.95']
    """
    # Names of labels, models and files come from anywhere; a cell is one line.
    rows = [[printable(cell, lines=True).translate(_BLANKS) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_justify(row, widths)) for row in rows]


def _justify(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
    return [row[0].ljust(widths[0]), *cells[1:]]
