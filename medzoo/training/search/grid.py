"""Which values of which recipe fields a search tries."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from medzoo.errors import refuse_unknown, require
from medzoo.files import read_json
from medzoo.recipe import Recipe

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

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
        known = [item.name for item in fields(Recipe) if item.name not in _FIXED]
        for path, values in self.values.items():
            top = path.partition(".")[0]
            if path != "split.fraction":
                refuse_unknown("recipe field to search", [path if top in _FIXED else top], [*known, "split.fraction"])
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
        return [study.ask(self.distributions).params for _ in range(trials)]

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
