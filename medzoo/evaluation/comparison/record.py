"""The record of a comparison of two models."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from medzoo.errors import unknown_name
from medzoo.evaluation.tables import align, number, with_interval


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases: their scores, the differences, and how sure those are.

    All values are plain JSON values. A number that is not known is None.

    Args:
        models: Names of both models.
        task: Name of their task.
        labels: Names of the labels.
        data: `name` of the data set and `split`.
        n_cases: Number of images.
        n_patients: Number of patients among them; None where the data set does not name its patients.
        scores: Name to `first`, `second` and `difference`, the second minus the first, each `{"value", "low", "high"}`,
            and `p`.
        tests: Rows of `test`, `score`, number of `n` that it rests on, and `p`.
        rule: How it was measured, in words.
        interval: `level`, `method`, `samples` and `seed` of the intervals.
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


def _cells(score: dict[str, Any]) -> list[str]:
    columns = (with_interval(score[name]) for name in ("first", "second", "difference"))
    return [*(cell for column in columns for cell in column), number(score["p"])]
