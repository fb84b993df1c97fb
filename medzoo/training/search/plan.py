"""What a search tries: values of recipe fields, and the trials that they make."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from medzoo.errors import refuse_unknown, require
from medzoo.files import read_json
from medzoo.recipe import Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SAMPLERS = ("grid", "random", "tpe")
FRACTION = "split.fraction"
RUNNING, FINISHED, PRUNED, FAILED = "running", "finished", "pruned", "failed"
# What Optuna calls them.
STATES = {"RUNNING": RUNNING, "COMPLETE": FINISHED, "PRUNED": PRUNED, "FAIL": FAILED}
_RANGE = ("low", "high", "step", "log")
# All trials answer one task and are judged by the same images; words change no training.
_FIXED = ("name", "task", "split", "expected", "card")


@dataclass(frozen=True)
class Grid:
    """Recipe fields by their dotted path, each with a list of values or a range.

    Args:
        values: `{"optimizer.learning_rate": [1e-3, 1e-2], "builder.dropout": {"low": 0.0, "high": 0.5}}`. A range has
            `low` and `high`, both within, and may have `step` or `"log": true`; where both ends are whole numbers, so
            are the values. Values of a list may be lists and mappings: `{"optimizer": [{"name": "adam"}, ...]}`.

    Raises:
        ValueError: A path is no recipe field that can be searched, or its values are neither a list nor a range.

    Example:
        >>> Grid({"epochs": [5, 10], "optimizer.momentum": [0.9, 0.95]}).points("grid")[0]
        {'epochs': 5, 'optimizer.momentum': 0.9}
    """

    values: Mapping[str, list[Any] | dict[str, Any]]

    def __post_init__(self) -> None:
        """Refuse what cannot be searched."""
        if not isinstance(self.values, Mapping) or not self.values:
            raise ValueError(
                'A grid must map recipe fields to values, {"optimizer.learning_rate": [0.001, 0.01]}. '
                f"Received: {self.values!r}."
            )
        searchable = [item.name for item in fields(Recipe) if item.name not in _FIXED]
        for path, values in self.values.items():
            top = path.partition(".")[0]
            if path != FRACTION:
                refuse_unknown("recipe field to search", [path if top in _FIXED else top], [*searchable, FRACTION])
            _check(path, values)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Grid:
        """Read a grid file.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is no grid; the message names it and the field.
        """
        value = read_json(path)
        try:
            return cls(value)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The values as Optuna has them; lists and mappings stand as JSON text."""
        return {path: _distribution(path, values) for path, values in self.values.items()}

    def points(self, sampler: str, trials: int | None = None, seed: int = 0) -> list[dict[str, Any]]:
        """Return the parameters of all trials: every combination, or so many random ones.

        Args:
            sampler: "grid" for every combination; "random" for random points. More of the same seed begin with the
                same ones.
            trials: Number of random points.
            seed: Seed of the random points.
        """
        if sampler == "grid":
            choices = [[_label(value) for value in values] for values in self.values.values()]
            return [dict(zip(self.values, point, strict=True)) for point in itertools.product(*choices)]
        optuna = require("optuna", "search")
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        return [study.ask(self.distributions).params for _ in range(trials or 0)]

    def decode(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that the parameters of a trial stand for."""
        return {path: _decode(self.values[path], label) for path, label in point.items()}


def _check(path: str, values: Any) -> None:
    if isinstance(values, Mapping):
        refuse_unknown(f"key of the range '{path}'", values, _RANGE)
        _distribution(path, values)
    elif not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise ValueError(f'\'{path}\' must be a list of values or {{"low": ..., "high": ...}}. Received: {values!r}.')
    elif len(set(map(_label, values))) < len(values):
        raise ValueError(f"'{path}' holds a value twice: {values}. Remove one.")


def _distribution(path: str, values: Any) -> BaseDistribution:
    kinds = require("optuna.distributions", "search")
    if not isinstance(values, Mapping):
        return kinds.CategoricalDistribution([_label(value) for value in values])
    whole = all(isinstance(values.get(name, 1), int) for name in ("low", "high", "step"))
    kind = kinds.IntDistribution if whole else kinds.FloatDistribution
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ValueError(f'The range \'{path}\' must be {{"low": ..., "high": ...}}: {error}') from error


def _label(value: Any) -> Any:
    """Return a value as a choice of Optuna, which takes scalars only."""
    return json.dumps(value) if isinstance(value, list | tuple | Mapping) else value


def _decode(values: Any, label: Any) -> Any:
    return label if isinstance(values, Mapping) else {_label(value): value for value in values}[label]


@dataclass(frozen=True)
class Plan:
    """Everything that defines a search.

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
    def monitor(self) -> str:
        """Name of the validation score that trials are compared by.

        Raises:
            ValueError: The task has none, since nothing is trained for it.
        """
        if not self.recipe.validation_score:
            raise ValueError(f"A search compares trainings, but nothing is trained for {self.recipe.task.name}.")
        return self.recipe.validation_score

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
        """Return the recipes of the points that are chosen before the search begins."""
        points = self.grid.points(self.sampler, self.trials, self.seed)
        return [self.recipe.with_(self.grid.decode(point)) for point in points]

    def to_json(self) -> dict[str, Any]:
        """Return what tells it from another search; trials may be added later, and the words of the card may change."""
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
