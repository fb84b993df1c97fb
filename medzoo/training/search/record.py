"""What a search found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.evaluation.record import hardware
from medzoo.evaluation.tables import align
from medzoo.files import write_json, write_rows
from medzoo.recipe import Recipe
from medzoo.training.search.plan import FINISHED, RUNNING, Plan, Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Rows that are printed; a file has all.
_SHOWN = 20


def table_text(plan: Plan, trials: Sequence[Trial]) -> str:
    """Return an aligned table of the first trials in their order, why some of them failed, and how many are missing."""
    rows = [_row(plan, trial) for trial in trials[:_SHOWN]]
    cells = [_columns(plan), *([_text(cell) for cell in row.values()] for row in rows)]
    more = [f"... and {len(trials) - _SHOWN} more"] if len(trials) > _SHOWN else []
    reasons = [f"{trial.name}: {trial.reason}." for trial in trials[:_SHOWN] if trial.reason]
    return "\n".join([*align(cells), *more, *reasons, *_missing(plan, trials)])


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
    """Return the columns of a table: what a trial tried between what became of it."""
    images = ["images"] if plan.is_learning_curve else []
    before, after = ["trial", plan.recipe.task.monitor], [*images, "epochs", "seconds", "state"]
    # The epochs that a trial may have are not those that it had.
    fields = [f"recipe.{name}" if name in (*before, *after) else name for name in _short(list(plan.grid.values))]
    return [*before, *fields, *after]


def _row(plan: Plan, trial: Trial) -> dict[str, Any]:
    values = [_cell(trial.values[path]) for path in plan.grid.values]
    images = [trial.images] if plan.is_learning_curve else []
    cells = [trial.name, trial.score, *values, *images, trial.epochs, trial.seconds, trial.state]
    return dict(zip(_columns(plan), cells, strict=True))


def _short(paths: list[str]) -> list[str]:
    """Return the last part of each path, or the whole where two end alike."""
    ends = [path.rpartition(".")[2] for path in paths]
    return [end if ends.count(end) == 1 else path for path, end in zip(paths, ends, strict=True)]


def _cell(value: Any) -> Any:
    """Return a value of a recipe as it stands in a cell."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else json.dumps(value)


def _text(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True)
class Search:
    """The trials of a search.

    Args:
        folder: Folder of the search; each trial is a run in `trials/`.
        plan: What was searched.
        trials: The best first.
        importances: Share of each searched field in what decides the score; empty where too few trials are done.

    Example:
        >>> found = medzoo.search(recipe, samples, "search", {"optimizer.learning_rate": [1e-3, 1e-2]})
        >>> found.best.score, found.best_recipe.optimizer
        (0.81, {'name': 'adamw', 'learning_rate': 0.01})
    """

    folder: Path
    plan: Plan
    trials: tuple[Trial, ...]
    importances: dict[str, float]

    @property
    def best(self) -> Trial:
        """The finished trial with the best score.

        Raises:
            ValueError: No trial was finished.
        """
        if not self._finished:
            reasons = sorted({trial.reason for trial in self.trials if trial.reason})
            raise ValueError(f"No trial in {self.folder} was finished. {'. '.join(reasons)}".strip())
        return self._finished[0]

    @property
    def best_folder(self) -> Path:
        """Folder of the best trial."""
        return self.folder / "trials" / self.best.name

    @property
    def best_recipe(self) -> Recipe:
        """The recipe of the best trial, with the score, time and hardware to expect."""
        best, machine = self.best, hardware()
        expected = {
            self.plan.recipe.task.monitor: round(best.score, 4),
            "minutes": round(best.seconds / 60, 1),
            "hardware": f"{machine['cores']} cores of {machine['cpu']}",
        }
        return replace(self.plan.recipe.with_(best.values), expected=expected)

    def __str__(self) -> str:
        """Return the trials as a table, the best first; of a learning curve those with the fewest images first."""
        return table_text(self.plan, sorted(self.trials, key=lambda trial: trial.images or 0))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        found = {"importances": self.importances, "trials": [asdict(trial) for trial in self.trials]}
        return {**self.plan.to_json(), "monitor": self.plan.recipe.task.monitor, **found}

    def save(self) -> None:
        """Write `trials.csv`, `search.json`, and of finished trials `best.json`, the best recipe, and figures."""
        from medzoo.evaluation.plots.common import save_figure

        rows = ({**_row(self.plan, trial), "reason": trial.reason} for trial in self.trials)
        write_rows(self.folder / "trials.csv", rows)
        write_json(self.folder / "search.json", self.to_json())
        if self._finished:
            self.best_recipe.save(self.folder / "best.json")
            for name, figure in self._figures().items():
                save_figure(figure, self.folder / "figures" / f"{name}.png")

    @property
    def _finished(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state == FINISHED]

    def _figures(self) -> dict[str, Figure]:
        from medzoo.evaluation.plots import comparison as plots

        monitor, done = self.plan.recipe.task.monitor, self._finished
        if self.plan.is_learning_curve:
            points = [(trial.images, trial.score) for trial in done]
            return {"learning_curve": plots.learning_curve_figure(points, monitor)}
        figures = {
            "trials": plots.trials_figure({trial.name: trial.score for trial in done}, monitor),
            "parallel": plots.parallel_figure([(trial.values, trial.score) for trial in done], monitor),
        }
        if self.importances:
            figures["importance"] = plots.importance_figure(self.importances, monitor)
        return figures
