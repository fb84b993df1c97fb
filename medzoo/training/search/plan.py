"""What a search tries, and what became of it: plain records."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medzoo.errors import refuse_unknown
from medzoo.recipe import Recipe
from medzoo.training.search.grid import Grid

SAMPLERS = ("grid", "random", "tpe")
FRACTION = "split.fraction"
RUNNING, FINISHED, PRUNED, FAILED = "running", "finished", "pruned", "failed"
# What Optuna calls them.
STATES = {"RUNNING": RUNNING, "COMPLETE": FINISHED, "PRUNED": PRUNED, "FAIL": FAILED}


@dataclass(frozen=True)
class Plan:
    """What a search tries.

    Args:
        recipe: The recipe whose fields are changed.
        grid: The fields and their values.
        sampler: "grid", "random" or "tpe".
        trials: Number of trials; None for all points of the grid.
        seed: Seed of the sampler.
    """

    recipe: Recipe
    grid: Grid
    sampler: str = "grid"
    trials: int | None = None
    seed: int = 0

    @property
    def is_learning_curve(self) -> bool:
        """Whether nothing but the number of training images is varied."""
        return FRACTION in self.grid.values and set(self.grid.values) <= {FRACTION, "seed"}

    @property
    def total(self) -> int:
        """Number of trials."""
        return self.trials or len(self.grid.points("grid"))

    def check(self) -> None:
        """Refuse a search that cannot be done, before anything is trained or written.

        Raises:
            ValueError: The sampler is unknown or does not fit the grid, or a point of the grid makes no valid recipe.
        """
        sampler, trials = self.sampler, self.trials
        refuse_unknown("sampler", [sampler], SAMPLERS)
        ranges = [path for path, values in self.grid.values.items() if isinstance(values, Mapping)]
        if sampler == "grid" and ranges:
            raise ValueError(
                f"The sampler 'grid' tries lists of values, but '{ranges[0]}' is a range. Give a list, or choose the "
                "sampler 'random' or 'tpe' with a number of trials."
            )
        if sampler == "grid" and trials is not None:
            raise ValueError(
                "The sampler 'grid' tries every combination. Leave `trials` out, or choose 'random' or 'tpe'."
            )
        if sampler != "grid" and (not isinstance(trials, int) or trials < 1):
            raise ValueError(f"The sampler '{sampler}' needs `trials`, at least 1. Received: trials={trials}.")
        self.recipes()

    def recipes(self) -> list[Recipe]:
        """Return the recipes of the points that are known before the search."""
        points = self.grid.points(self.sampler, self.trials, self.seed)
        return [self.recipe.with_(self.grid.decode(point)) for point in points]

    def to_json(self) -> dict[str, Any]:
        """Return what makes it this search; trials may be added later, and the words of the card may change."""
        recipe = json.loads(self.recipe.decisive)
        return {"recipe": recipe, "grid": dict(self.grid.values), "sampler": self.sampler, "seed": self.seed}


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    Args:
        name: Name of its folder.
        state: "running", "finished", "pruned" or "failed".
        values: Value of each field that is searched, by its dotted path.
        score: Best validation score; None before the first epoch.
        epochs: Number of epochs.
        seconds: Time of all epochs.
        reason: Why it failed.
        images: Number of images that it was trained on, where that is searched.
    """

    name: str
    state: str
    values: dict[str, Any] = field(default_factory=dict)
    score: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    reason: str | None = None
    images: int | None = None


def by_score(trials: Iterable[Trial]) -> list[Trial]:
    """Return trials with the best one first: finished ones by score, then those that were pruned, run or failed."""
    order = (FINISHED, PRUNED, RUNNING, FAILED)
    return sorted(trials, key=lambda trial: (order.index(trial.state), trial.score is None, -(trial.score or 0)))
