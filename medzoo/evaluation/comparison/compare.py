"""Two models on the same cases."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.errors import unknown_name
from medzoo.evaluation.comparison.paired import compare_cases, compare_scores
from medzoo.evaluation.evaluate import collect, facts
from medzoo.evaluation.tables import align, number, with_interval
from medzoo.files import write_json

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference.model import RecipeModel
    from medzoo.zoo_model import ZooModel


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases: their scores, and the differences with intervals and tests.

    All values are plain JSON values. An undefined number is None.

    Args:
        models: Names of both models.
        task: Name of their task.
        labels: Names of the labels.
        data: `name` of the data set and `split`.
        n_cases: Number of images.
        n_patients: Number of patients among them; None where the data set does not name its patients.
        scores: Name to `first`, `second` and `difference`, the second minus the first, each `{"value", "low", "high"}`,
            and `p`.
        tests: Rows of `test`, `score`, the number `n` of cases or patients, and `p`.
        rule: How it was measured, in words.
        interval: `level`, `method` and `seed` of the intervals.
        versions: Versions of medzoo, Python and the libraries that were loaded.
        hardware: `cpu` and `cores`.
        date: Day in UTC, `2026-01-31`.
        seconds: Time that prediction and comparison took.

    Example:
        >>> comparison = medzoo.compare(model, other, test)
        >>> comparison["dice"]
        0.0312
        >>> print(comparison)
    """

    models: tuple[str, str]
    task: str
    labels: tuple[str, ...]
    data: dict[str, str | None]
    n_cases: int
    n_patients: int | None
    scores: dict[str, dict[str, Any]]
    tests: list[dict[str, Any]]
    rule: str
    interval: dict[str, Any]
    versions: dict[str, str]
    hardware: dict[str, Any]
    date: str
    seconds: float

    def __getitem__(self, name: str) -> float | None:
        """Return the difference of a score by its name; an unknown name lists near matches."""
        if name not in self.scores:
            raise unknown_name("score", name, self.scores)
        return self.scores[name]["difference"]["value"]

    def __str__(self) -> str:
        """Return aligned tables of the scores with their differences, and of the tests."""
        patients = "patients not named" if self.n_patients is None else f"{self.n_patients} patients"
        interval = f"{self.interval['level']:.0%} interval"
        head = ("", *(cell for name in self.models for cell in (name, interval)), "difference", interval, "p")
        rows = [(name, *_cells(score)) for name, score in self.scores.items()]
        lines = [f"{self.n_cases} cases, {patients}", *align([head, *rows])]
        if self.tests:
            tests = [(f"{row['test']}: {row['score']}", str(row["n"]), number(row["p"])) for row in self.tests]
            lines += ["", *align([("", "n", "p"), *tests])]
        return "\n".join([*lines, "", self.rule])

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "models": list(self.models), "labels": list(self.labels)}

    def save(self, folder: str | os.PathLike) -> Path:
        """Write `comparison.json` and `figures/differences.png`; return the path of the former."""
        from medzoo.evaluation.plots.common import save_figure
        from medzoo.evaluation.plots.comparison import differences_figure

        path = Path(folder) / "comparison.json"
        write_json(path, self.to_json())
        save_figure(differences_figure(self), path.parent / "figures" / "differences.png")
        return path


def _cells(score: dict[str, Any]) -> list[str]:
    columns = (with_interval(score[name]) for name in ("first", "second", "difference"))
    return [*(cell for column in columns for cell in column), number(score["p"])]


RULE = (
    "Differences are the second model minus the first. Their two-sided p comes from exchanging the answers of both "
    "models for random {unit}. Means over cases take the cases in which both models have the score. Wilcoxon's "
    "signed-rank test compares the means of the {unit}; DeLong's test, which takes cases as independent, is left out "
    "where a patient has several. Nothing is corrected for the number of scores."
)


def compare(
    first: ZooModel | RecipeModel,
    second: ZooModel | RecipeModel,
    samples: Samples,
    names: tuple[str, str] | None = None,
    split: str | None = None,
    data_name: str | None = None,
    batch_size: int = 8,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same labelled images: every score of both, and the difference with its interval.

    What is hard for one model is often hard for the other, so a paired difference tells more than two intervals side by
    side. The models predict one after the other; masks are scored and dropped one by one.

    Args:
        first: A model.
        second: Another one of the same task and labels.
        samples: Images, targets and patients, all of which are used.
        names: Names of the models; by default those of their recipes. Equal ones get an A and a B.
        split: Name of the split for the record; by default that of the samples.
        data_name: Name of the data set for the record.
        batch_size: Images in one step.
        seed: Which patients change sides in the test of the differences.

    Returns:
        The record. `print(comparison)` shows a table; `comparison["dice"]` is a difference, above 0 where the second
        model has more.

    Raises:
        ValueError: The models differ in task or labels, or the samples do not fit them.

    Example:
        >>> comparison = medzoo.compare(medzoo.load("brain-tumor-unet"), model, test)
        >>> print(comparison)
    """
    _refuse_different(first, second)
    started = time.perf_counter()
    cases = collect(first, samples, batch_size), collect(second, samples, batch_size)
    return Comparison(
        models=_apart(names or (first.recipe.name, second.recipe.name)),
        task=first.task.name,
        labels=first.task.labels,
        scores=compare_scores(*cases, samples.patients, seed),
        tests=compare_cases(*cases, samples.patients),
        rule=RULE.format(unit="patients" if samples.has_patients else "images"),
        seconds=round(time.perf_counter() - started, 2),
        **facts(samples, split, data_name, seed),
    )


def _refuse_different(first: ZooModel | RecipeModel, second: ZooModel | RecipeModel) -> None:
    answers = [(task.name, task.labels, task.unit) for task in (first.task, second.task)]
    if answers[0] == answers[1]:
        return
    words = [f"{name} of {', '.join(labels)}{f' in {unit}' if unit else ''}" for name, labels, unit in answers]
    raise ValueError(
        f"Models can be compared where they answer the same; got {words[0]} and {words[1]}. "
        "Evaluate each by itself: medzoo evaluate NAME --data DIR -o RUN"
    )


def _apart(names: tuple[str, str]) -> tuple[str, str]:
    return names if names[0] != names[1] else (f"A: {names[0]}", f"B: {names[1]}")
