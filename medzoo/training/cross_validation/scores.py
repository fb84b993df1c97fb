"""The result of a cross-validation: scores of all folds, one by one and together, and the ensemble of their models."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.evaluation.evaluate import CASES
from medzoo.evaluation.intervals import intervals
from medzoo.evaluation.plots.common import save_figure
from medzoo.evaluation.plots.figures import fold_figures
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import align, number, rounded, score_json, with_interval, with_spread
from medzoo.files import write_json, write_rows
from medzoo.recipe import Recipe
from medzoo.task import Task
from medzoo.training.history import HISTORY
from medzoo.zoo_model import ZooModel

TITLES = {
    "valid": "Each fold on its own validation part, of {cases} cases in all",
    "test": "All folds on the held-out set of {cases} cases",
}


@dataclass(frozen=True)
class FoldScores:
    """The scores of every fold on one split, and the scores of all folds together.

    Args:
        part: "valid", where every fold is scored on other cases, or "test", where all are scored on the same.
        evaluations: Record of each fold.
        joint_name: "pooled" for the answers of all folds as one set, "ensemble" for the mean of the models' answers.
        joint: Scores of these by name, each `{"value", "low", "high"}` with a 95 % interval over patients.
    """

    part: str
    evaluations: tuple[Evaluation, ...]
    joint_name: str
    joint: dict[str, dict[str, float | None]]

    @cached_property
    def folds(self) -> list[dict[str, float | None]]:
        """Scores of each fold by name; None for a score that a fold does not have."""
        names = dict.fromkeys(name for one in self.evaluations for name in one.scores)
        return [{name: one.scores.get(name, {}).get("value") for name in names} for one in self.evaluations]

    @cached_property
    def mean(self) -> dict[str, float | None]:
        """Mean over the folds that have the score, by name."""
        return self._over_folds(np.mean)

    @cached_property
    def std(self) -> dict[str, float | None]:
        """Standard deviation over the folds that have the score, as NumPy computes it, by name."""
        return self._over_folds(np.std)

    @property
    def n_cases(self) -> int:
        """Number of different cases."""
        counts = [one.n_cases for one in self.evaluations]
        return sum(counts) if self.part == "valid" else counts[0]

    def table(self, task: Task) -> list[str]:
        """Return lines: a row for each fold, the mean and deviation, and the joint score with its interval."""
        shown = shown_scores(task, self.mean)
        lines = [("", *shown)]
        for index, one in enumerate(self.folds, 1):
            lines.append((f"fold {index}", *(number(one[name]) for name in shown.values())))
        lines.append(("mean +- std", *(with_spread(self.mean[name], self.std[name]) for name in shown.values())))
        joint = [with_interval(self.joint[name]) if name in self.joint else ("-", "-") for name in shown.values()]
        lines += [(self.joint_name, *(cell[0] for cell in joint)), ("95% interval", *(cell[1] for cell in joint))]
        return align(lines)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the CSV file: part, model, and the scores by name."""
        for index, one in enumerate(self.folds, 1):
            yield {"part": self.part, "model": f"fold {index}", **one}
        yield {"part": self.part, "model": "mean", **self.mean}
        yield {"part": self.part, "model": "std", **self.std}
        for key in ("value", "low", "high"):
            name = self.joint_name if key == "value" else f"{self.joint_name} {key}"
            yield {"part": self.part, "model": name, **{score: values[key] for score, values in self.joint.items()}}

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "cases": self.n_cases,
            "folds": self.folds,
            "mean": self.mean,
            "std": self.std,
            self.joint_name: self.joint,
        }

    def _over_folds(self, function: Callable[[list[float]], float]) -> dict[str, float | None]:
        columns = {name: [v for fold in self.folds if (v := fold[name]) is not None] for name in self.folds[0]}
        return {name: rounded(function(column)) if column else None for name, column in columns.items()}


def shown_scores(task: Task, scores: Mapping[str, Any]) -> dict[str, str]:
    """Return the scores of the printed table: their heading, and their name in the records.

    Example:
        >>> shown_scores(Classification(("well", "ill")), {"accuracy": 1, "auc/well": 1, "auc/ill": 1})
        {'accuracy': 'accuracy', 'auc': 'auc/ill'}
    """
    last = f"/{task.labels[-1]}" if task.is_binary else "_macro"
    names = {score: score if score in scores else score + last for score in CASES[task.name].shown}
    return {score: name for score, name in names.items() if name in scores}


def pool(
    task: Task, evaluations: Sequence[Evaluation], patients: Sequence[str], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Score the cases of all folds as one set, with 95 % intervals over patients.

    Args:
        task: Task of the models.
        evaluations: Record of each fold on its validation part.
        patients: Patient of each of their cases.
        seed: Which patients are left out together, where there are more than 1000.

    Returns:
        Name to `{"value", "low", "high"}`, with the names of the records; for a segmentation only the means over cases,
        such as `dice_per_case`.
    """
    rows = [row for evaluation in evaluations for row in evaluation.cases]
    scores = intervals(CASES[task.name].pooled(task, rows), patients, seed)
    return {name: score_json(*values) for name, values in scores.items() if name in evaluations[0].scores}


@dataclass(frozen=True)
class CrossValidation:
    """The scores of all folds, and the ensemble of their models.

    Args:
        name: Name of the recipe.
        valid: Scores of each fold on the part that it did not learn from.
        test: Scores on the held-out set, which no fold has seen; None without one.
        histories: `history.csv` of each fold.
        model: The ensemble.

    Example:
        >>> result = medzoo.cross_validate(recipe, data, "runs/crossval")
        >>> print(result)
    """

    name: str
    valid: FoldScores
    test: FoldScores | None
    histories: tuple[Path, ...]
    model: ZooModel = field(repr=False, compare=False)

    @property
    def parts(self) -> tuple[FoldScores, ...]:
        """Scores on each part, the held-out set last."""
        return (self.valid,) if self.test is None else (self.valid, self.test)

    def __str__(self) -> str:
        """Return an aligned table for each part."""
        task = self.model.task
        blocks = [[TITLES[scores.part].format(cases=scores.n_cases), *scores.table(task)] for scores in self.parts]
        return "\n\n".join("\n".join(block) for block in blocks)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        first = self.valid.evaluations[0]
        facts = {name: getattr(first, name) for name in ("task", "interval", "versions", "hardware", "date")}
        scores = {part.part: part.to_json() for part in self.parts}
        return {"name": self.name, **facts, "labels": list(first.labels), **scores}

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write `crossval.json`, `crossval.csv` and `figures/*.png`, and return the paths of the figures."""
        folder = Path(folder)
        write_json(folder / "crossval.json", self.to_json())
        write_rows(folder / "crossval.csv", [row for part in self.parts for row in part.rows()])
        figures = fold_figures({part.part: part.evaluations for part in self.parts}, self.histories)
        return [save_figure(figure, folder / "figures" / f"{name}.png") for name, figure in figures.items()]


def collect(
    recipe: Recipe,
    folds: Sequence[Mapping[str, Evaluation]],
    test: Evaluation | None,
    patients: Sequence[str],
    run: Path,
    model: ZooModel,
) -> CrossValidation:
    """Put the evaluations of the folds together.

    Args:
        recipe: The recipe of the cross-validation.
        folds: Records of each fold by part.
        test: Record of the ensemble on the held-out set; None without one.
        patients: Patient of each case of the validation parts, fold by fold.
        run: Folder of the folds.
        model: The ensemble.
    """
    valid = tuple(fold["valid"] for fold in folds)
    held_out = None
    if test is not None:
        held_out = FoldScores("test", tuple(fold["test"] for fold in folds), "ensemble", test.scores)
    return CrossValidation(
        name=recipe.name,
        valid=FoldScores("valid", valid, "pooled", pool(recipe.task, valid, patients, recipe.seed)),
        test=held_out,
        histories=tuple(run / f"fold-{index}" / HISTORY for index in range(1, len(folds) + 1)),
        model=model,
    )
