"""The scores of all folds, one by one and pooled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from medzoo.evaluation.cases import CASES
from medzoo.evaluation.intervals import bootstrap
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.tables import align, number, rounded, score_json, with_interval, with_spread
from medzoo.task import Task


@dataclass(frozen=True)
class FoldScores:
    """The scores of every fold on one kind of part, and one score for all of them.

    Args:
        part: "valid", where every fold is scored on other cases, or "test", where all are on the same.
        evaluations: Record of each fold.
        joint_name: "pooled" for the answers of all folds as one set, "ensemble" for the mean of the models' answers.
        joint: Scores of that by name, each `{"value", "low", "high"}` with a 95 % interval over patients.
    """

    part: str
    evaluations: tuple[Evaluation, ...]
    joint_name: str
    joint: dict[str, dict[str, float | None]]

    @cached_property
    def folds(self) -> list[dict[str, float | None]]:
        """Scores of each fold by name; None where a fold does not have one."""
        names = dict.fromkeys(name for one in self.evaluations for name in one.scores)
        return [{name: one.scores.get(name, {}).get("value") for name in names} for one in self.evaluations]

    @cached_property
    def mean(self) -> dict[str, float | None]:
        """Mean over the folds that have the score, by name."""
        return self._over_known(np.mean)

    @cached_property
    def std(self) -> dict[str, float | None]:
        """Standard deviation over the folds that have the score, as NumPy computes it, by name."""
        return self._over_known(np.std)

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
        """Yield what the CSV file holds: part, model, and the scores by name."""
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

    def _over_known(self, function: Callable[[list[float]], float]) -> dict[str, float | None]:
        columns = {name: [one[name] for one in self.folds if one[name] is not None] for name in self.folds[0]}
        return {name: rounded(function(column)) if column else None for name, column in columns.items()}


def shown_scores(task: Task, known: dict[str, Any]) -> dict[str, str]:
    """Return the scores of the printed table: their heading, and their name in the records.

    Example:
        >>> shown_scores(Classification(("well", "ill")), {"accuracy": 1, "auc/well": 1, "auc/ill": 1})
        {'accuracy': 'accuracy', 'auc': 'auc/ill'}
    """
    last = f"/{task.labels[-1]}" if task.is_binary else "_macro"
    names = {score: score if score in known else score + last for score in CASES[task.name].shown}
    return {score: name for score, name in names.items() if name in known}


def pool(
    task: Task, evaluations: Sequence[Evaluation], patients: Sequence[str], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Score the cases of all folds as one set, with 95 % intervals over patients.

    Args:
        task: Task of the models.
        evaluations: Record of each fold on its validation part.
        patients: Patient of each of their cases.
        seed: Seed of the bootstrap.

    Returns:
        Name to `{"value", "low", "high"}`, with the names of the records; of a segmentation those of single cases,
        such as `dice_per_case`, only.
    """
    rows = [row for evaluation in evaluations for row in evaluation.cases]
    scores = bootstrap(CASES[task.name].pooled(task, rows), patients, seed=seed)
    return {name: score_json(*values) for name, values in scores.items() if name in evaluations[0].scores}
