"""How sure the differences between two models are that answered the same cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.comparison.delong import delong
from medzoo.evaluation.evaluate import Cases
from medzoo.evaluation.intervals import LEVEL, SAMPLES, Statistic, draw, percentile_interval, weighted_means
from medzoo.evaluation.rounding import score_json


def compare_scores(first: Cases, second: Cases, patients: Sequence[str], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return every score of both models and the difference, with intervals of the same draws of patients."""
    both = _statistic_of_both(first, second)
    values = {key: float(value[0]) for key, value in both(np.ones((1, len(patients)))).items()}
    drawn = draw(both, patients, SAMPLES, seed)
    records = {}
    for name in (name for model, name in values if model == "first"):
        keys = ("first", name), ("second", name)
        records[name] = {model: _score(values[model, name], drawn[model, name]) for model, _ in keys}
        differences = drawn[keys[1]] - drawn[keys[0]]
        records[name]["difference"] = _score(values[keys[1]] - values[keys[0]], differences)
        records[name]["p"] = _significant(bootstrap_p(differences))
    return records


def compare_cases(first: Cases, second: Cases, patients: Sequence[str]) -> list[dict[str, Any]]:
    """Return what tests that do without a bootstrap say."""
    before, after = first.per_case(), second.per_case()
    tests = [_wilcoxon(name, patient_means(after[name] - before[name], patients)) for name in before]
    if isinstance(first, ClassificationCases) and len(set(patients)) == len(patients):
        tests = _delong(first, second) + tests
    return tests


def patient_means(values: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """Return the mean of each patient's values, without those that are NaN; patients that have no other are left out.

    Example:
        >>> patient_means(np.array([1.0, 3.0, np.nan, np.nan]), ["a", "a", "a", "b"])
        array([2.])
    """
    known = np.isfinite(values)
    if not known.any():
        return np.empty(0)
    _, owner = np.unique(np.asarray(patients, str)[known], return_inverse=True)
    return np.bincount(owner, values[known]) / np.bincount(owner)


def bootstrap_p(differences: np.ndarray) -> float:
    """Return twice the smaller share of drawn differences on one side of 0, never 0; NaN where none is defined."""
    differences = differences[np.isfinite(differences)]
    if not differences.size:
        return np.nan
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * (beyond + 1) / (len(differences) + 1))


def _statistic_of_both(first: Cases, second: Cases) -> Callable[[np.ndarray], dict[Any, np.ndarray]]:
    columns = first.per_case(), second.per_case()
    shared = {name: np.isfinite(values) & np.isfinite(columns[1][name]) for name, values in columns[0].items()}

    def of_one(statistic: Statistic, own: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
        known = {name: np.where(shared[name], values, np.nan) for name, values in own.items()}
        return statistic(weights) | weighted_means(known, weights)

    def of_both(weights: np.ndarray) -> dict[Any, np.ndarray]:
        scores = [of_one(cases.statistic, own, weights) for cases, own in zip((first, second), columns, strict=True)]
        pairs = zip(("first", "second"), scores, strict=True)
        return {(model, name): value for model, values in pairs for name, value in values.items()}

    return of_both


def _delong(first: ClassificationCases, second: ClassificationCases) -> list[dict[str, Any]]:
    rows = []
    for index, label in enumerate(first.task.labels):
        if first.task.is_binary and index == 0:
            continue
        result = delong(first.ranks[:, index], second.ranks[:, index], first.true == index)
        rows.append({"test": "DeLong", "score": f"auc/{label}", "n": len(first.true), "p": _significant(result.p)})
    return rows


def _wilcoxon(name: str, differences: np.ndarray) -> dict[str, Any]:
    from scipy.stats import wilcoxon

    changed = differences[differences != 0]
    p = wilcoxon(changed).pvalue if changed.size else 1.0 if differences.size else np.nan
    return {"test": "Wilcoxon", "score": name, "n": len(differences), "p": _significant(float(p))}


def _score(value: float, drawn: np.ndarray) -> dict[str, float | None]:
    return score_json(value, *percentile_interval(drawn, LEVEL))


def _significant(p: float) -> float | None:
    return float(f"{p:.3g}") if np.isfinite(p) else None
