"""Trials as rows of a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.evaluation.tables import align
from medzoo.io.files import atomic_file
from medzoo.training.search.plan import RUNNING, Plan, Trial

# Rows that are printed; a file has all.
_SHOWN = 20


def table_text(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return an aligned table of the first trials in their order, why some of them failed, and how many are missing."""
    rows = [[_text(cell) for cell in _row(plan, trial)] for trial in trials[:_SHOWN]]
    more = [f"... and {len(trials) - _SHOWN} more"] if len(trials) > _SHOWN else []
    reasons = [f"{trial.name}: {trial.reason}." for trial in trials[:_SHOWN] if trial.reason]
    return "\n".join([*align([_columns(plan), *rows]), *more, *reasons, *_missing(plan, trials)])


def write_table(path: Path, plan: Plan, trials: Sequence[Trial]) -> None:
    """Write the trials as CSV."""
    with atomic_file(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow((*_columns(plan), "reason"))
        writer.writerows((*_row(plan, trial), trial.reason) for trial in trials)


def values_text(values: Mapping[str, Any]) -> str:
    """Return values of recipe fields in one line.

    Example:
        >>> values_text({"epochs": 5, "optimizer.momentum": 0.9})
        'epochs=5 momentum=0.9'
    """
    cells = (_text(_cell(value)) for value in values.values())
    return " ".join(f"{name}={cell}" for name, cell in zip(_short(list(values)), cells, strict=True))


def _missing(plan: Plan, trials: Sequence[Trial]) -> list[str]:
    count = plan.total - sum(trial.state != RUNNING for trial in trials)
    what = "Another process trains them, or was killed. Run the same search again to go on."
    return [f"{count} of {plan.total} trials are not done. {what}"] if count > 0 else []


def _columns(plan: Plan) -> list[str]:
    images = ["images"] if plan.is_learning_curve else []
    return ["trial", plan.recipe.task.monitor, *_short(list(plan.grid.values)), *images, "epochs", "seconds", "state"]


def _row(plan: Plan, trial: Trial) -> list[Any]:
    values = [_cell(trial.values[path]) for path in plan.grid.values]
    images = [trial.images] if plan.is_learning_curve else []
    return [trial.name, trial.score, *values, *images, trial.epochs, trial.seconds, trial.state]


def _short(paths: list[str]) -> list[str]:
    """Return the last part of each path, or the whole where two end alike."""
    ends = [path.rpartition(".")[2] for path in paths]
    return [end if ends.count(end) == 1 else path for path, end in zip(paths, ends, strict=True)]


def _cell(value: Any) -> Any:
    """Return a value of a recipe as it stands in a cell."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else json.dumps(value)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
