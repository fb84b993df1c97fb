"""The history of a run: a row of scores for each epoch, as in `history.csv`, and the best epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.files import read_rows

HISTORY = "history.csv"
Row = Mapping[str, Any]


def read_history(run: Path) -> list[dict[str, float]]:
    """Return the rows of `history.csv` in the folder of a run, without empty cells; none before the first epoch."""
    try:
        rows = read_rows(run / HISTORY)
    except FileNotFoundError:
        return []
    return [{name: float(value) for name, value in row.items() if value} for row in rows]


def scores_of(history: Sequence[Row], monitor: str) -> dict[int, float]:
    """Return the finite scores of a history by the number of their epoch; the first row is epoch 1.

    Example:
        >>> scores_of([{"val_dice": 0.2}, {"val_dice": float("nan")}, {"val_dice": 0.1}], "val_dice")
        {1: 0.2, 3: 0.1}
    """
    scores = {number: row.get(monitor) for number, row in enumerate(history, 1)}
    return {number: score for number, score in scores.items() if score is not None and math.isfinite(score)}


def best_epoch(scores: Mapping[int, float]) -> int | None:
    """Return the epoch with the highest score, the earliest of equals; None without scores.

    Example:
        >>> best_epoch({1: 0.2, 2: 0.5, 3: 0.5})
        2
    """
    return max(scores, key=lambda epoch: (scores[epoch], -epoch), default=None)


def best_score(history: Sequence[Row], monitor: str) -> float | None:
    """Return the highest finite score of a history; None without one."""
    return max(scores_of(history, monitor).values(), default=None)


def stale_epochs(history: Sequence[Row], monitor: str) -> int:
    """Return how many epochs of a history came after its best one.

    Example:
        >>> stale_epochs([{"val_dice": 0.5}, {"val_dice": 0.4}, {"val_dice": 0.5}], "val_dice")
        2
    """
    return len(history) - (best_epoch(scores_of(history, monitor)) or 0)
