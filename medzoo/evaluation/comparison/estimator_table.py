"""A network and estimators over its features on the same test cases: table, JSON, CSV and figure."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.evaluation.evaluate import CASES
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import align, with_interval, with_spread
from medzoo.files import write_json, write_rows

RULE = (
    "Parameters, and which estimator is the best (*), were chosen by the inner score, the mean over folds of patients "
    "of the train and valid parts; the test cases chose nothing. Where the network itself has learnt from the train "
    "part, inner scores over its features are higher than those of new patients."
)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A row: a network or an estimator.

    Args:
        name: `"cnn"`, or the name of the estimator.
        evaluation: Its scores on the test cases.
        inner: `score` and `spread` over the inner folds, and the `parameters` that they chose; None for a network.
    """

    name: str
    evaluation: Evaluation
    inner: dict[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class EstimatorTable:
    """The rows, the one with the highest main score first.

    Args:
        rows: The network, if it answers the task itself, and the estimators.
        best: Name of the estimator with the highest inner score.
        layer: Layer whose features the estimators take; None for what the last dense layer is given.
    """

    rows: tuple[Candidate, ...]
    best: str
    layer: str | int | None = None

    def __post_init__(self):
        main = self.names[0]
        ordered = sorted(self.rows, key=lambda row: -_known(row.evaluation[main]))
        object.__setattr__(self, "rows", tuple(ordered))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the scores that are shown."""
        return CASES[self.rows[0].evaluation.task].compared

    def __str__(self) -> str:
        """Return an aligned table of values with their intervals."""
        lines = [("", "inner score", *(cell for name in self.names for cell in (name, "interval")))]
        for row in self.rows:
            cells = (cell for name in self.names for cell in with_interval(row.evaluation.scores[name]))
            inner = row.inner or {"score": None, "spread": None}
            name = f"{row.name} *" if row.name == self.best else row.name
            lines.append((name, with_spread(inner["score"], inner["spread"]), *cells))
        found = self.rows[0].evaluation
        head = f"{found.n_cases} test cases, {found.interval['level']:.0%} intervals by {found.interval['method']}"
        return "\n".join([head, *align(lines), *textwrap.wrap(RULE, 120)])

    def to_json(self) -> dict[str, Any]:
        """Return the table as values that JSON has."""
        rows = [
            {
                "name": row.name,
                "inner": row.inner,
                "scores": {name: row.evaluation.scores[name] for name in self.names},
            }
            for row in self.rows
        ]
        found = self.rows[0].evaluation
        facts = {name: getattr(found, name) for name in ("task", "data", "n_cases", "n_patients", "interval")}
        return {
            **facts,
            "labels": list(found.labels),
            "layer": self.layer,
            "best": self.best,
            "rule": RULE,
            "rows": rows,
        }

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write `estimators.json`, `estimators.csv` and `figures/estimators.png`; return their paths."""
        from medzoo.evaluation.plots.common import save_figure
        from medzoo.evaluation.plots.comparison import estimators_figure

        folder = Path(folder)
        write_json(folder / "estimators.json", self.to_json())
        write_rows(folder / "estimators.csv", map(self._csv_row, self.rows))
        figure = save_figure(estimators_figure(self), folder / "figures" / "estimators.png")
        return [folder / "estimators.json", folder / "estimators.csv", figure]

    def _csv_row(self, row: Candidate) -> dict[str, Any]:
        inner = row.inner or {"score": None, "spread": None}
        values = {"name": row.name, "inner_score": inner["score"], "inner_spread": inner["spread"]}
        for name in self.names:
            score = row.evaluation.scores[name]
            values |= {name: score["value"], f"{name}_low": score["low"], f"{name}_high": score["high"]}
        return values


def _known(value: float | None) -> float:
    return float("-inf") if value is None else value
