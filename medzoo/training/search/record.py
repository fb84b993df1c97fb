"""What a search found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.evaluation.record import hardware
from medzoo.io.files import write_json
from medzoo.recipe import Recipe
from medzoo.training.search.grid import change
from medzoo.training.search.plan import FINISHED, Plan, Trial
from medzoo.training.search.table import table_text, write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        return replace(change(self.plan.recipe, best.values), expected=expected)

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

        write_table(self.folder / "trials.csv", self.plan, self.trials)
        write_json(self.folder / "search.json", self.to_json())
        if self._finished:
            self.best_recipe.save(self.folder / "best.json")
            for name, figure in self._figures().items():
                save_figure(figure, self.folder / "figures" / f"{name}.png")

    @property
    def _finished(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state == FINISHED]

    def _figures(self) -> dict[str, Figure]:
        from medzoo.evaluation.plots import search as plots

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
