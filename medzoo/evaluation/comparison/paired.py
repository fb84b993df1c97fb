"""How sure the differences between two models on the same cases are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from medzoo.evaluation.cases import Cases
from medzoo.evaluation.intervals import LEVEL, SAMPLES, Statistic, draw, percentile_interval, weighted_means
from medzoo.evaluation.tables import score_json

# Before the names of the scores of either model, in the statistic of both.
_FIRST, _SECOND = "first ", "second "


class AucDifference(NamedTuple):
    """Two areas, the standard error of the second minus the first, and the two-sided p-value."""

    first: float
    second: float
    error: float
    p: float


def delong(first: np.ndarray, second: np.ndarray, positive: np.ndarray) -> AucDifference:
    """Compare two areas under the ROC curve that were measured on the same, independent cases.

    The area is a mean over pairs of a positive and a negative case. Its variance follows from the share of each case,
    which the ranks of the scores give in one sort.

    Args:
        first: Scores of one model `(cases,)`.
        second: Scores of the other `(cases,)`.
        positive: Which cases are positive `(cases,)`.

    Returns:
        The areas, the standard error of their difference, and the p-value: 1 for equal orders, NaN with fewer than
        two positive or two negative cases.

    Example:
        >>> positive = np.array([True, True, True, False, False, False])
        >>> result = delong(np.array([4, 5, 3, 2, 1, 0]), np.array([4, 5, 1, 3, 2, 0]), positive)
        >>> round(result.first, 3), round(result.second, 3), round(result.p, 3)
        (1.0, 0.778, 0.371)

    Source:
        DeLong et al., "Comparing the areas under two or more correlated receiver operating characteristic curves",
        1988, https://doi.org/10.2307/2531595; by ranks: Sun and Xu, 2014, https://doi.org/10.1109/LSP.2014.2337313
    """
    from scipy.stats import norm

    parts = [_components(np.asarray(scores), np.asarray(positive, bool)) for scores in (first, second)]
    areas = [float(of_positives.mean()) for of_positives, _ in parts]
    differences = [after - before for before, after in zip(*parts, strict=True)]
    if min(map(len, differences)) < 2:
        return AucDifference(areas[0], areas[1], np.nan, np.nan)
    error = float(np.sqrt(sum(values.var(ddof=1) / len(values) for values in differences)))
    gap = abs(areas[1] - areas[0])
    # Rounding leaves no difference between equal orders.
    p = 1.0 if gap < 1e-12 else float(2 * norm.sf(gap / error)) if error else np.nan
    return AucDifference(areas[0], areas[1], error, p)


def _components(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of negative cases below each positive case, and of positive ones above each negative case."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = (ranks[positive] - rankdata(scores[positive])) / (~positive).sum()
    above = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positive.sum()
    return below, above


def compare_scores(first: Cases, second: Cases, patients: Sequence[str], seed: int = 0) -> dict[str, dict[str, Any]]:
    """Return every score of both models and the difference, with intervals of the same draws of patients."""
    both = _statistic_of_both(first, second)
    values = {key: float(value[0]) for key, value in both(np.ones((1, len(patients)))).items()}
    drawn = draw(both, patients, SAMPLES, seed)
    records: dict[str, dict[str, Any]] = {}
    for name in [key.removeprefix(_FIRST) for key in values if key.startswith(_FIRST)]:
        one, other = _FIRST + name, _SECOND + name
        differences = drawn[other] - drawn[one]
        records[name] = {
            "first": _score(values[one], drawn[one]),
            "second": _score(values[other], drawn[other]),
            "difference": _score(values[other] - values[one], differences),
            "p": _significant(bootstrap_p(differences)),
        }
    return records


def compare_cases(first: Cases, second: Cases, patients: Sequence[str]) -> list[dict[str, Any]]:
    """Return the results of the tests that need no bootstrap."""
    before, after = first.per_case(), second.per_case()
    tests = [_wilcoxon(name, patient_means(after[name] - before[name], patients)) for name in before]
    return tests if len(set(patients)) < len(patients) else _delong(first, second) + tests


def patient_means(values: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """Return the mean of each patient's values that are not NaN; a patient without any is left out.

    Example:
        >>> patient_means(np.array([1.0, 3.0, np.nan, np.nan]), ["a", "a", "a", "b"])
        array([2.])
    """
    is_defined = np.isfinite(values)
    if not is_defined.any():
        return np.empty(0)
    _, owner = np.unique(np.asarray(patients, str)[is_defined], return_inverse=True)
    return np.bincount(owner, values[is_defined]) / np.bincount(owner)


def bootstrap_p(differences: np.ndarray) -> float:
    """Return twice the smaller share of drawn differences on one side of 0, never 0; NaN where none is defined."""
    differences = differences[np.isfinite(differences)]
    if not differences.size:
        return np.nan
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return min(1.0, 2 * (beyond + 1) / (len(differences) + 1))


def _statistic_of_both(first: Cases, second: Cases) -> Statistic:
    columns = first.per_case(), second.per_case()
    shared = {name: np.isfinite(values) & np.isfinite(columns[1][name]) for name, values in columns[0].items()}

    def of_one(statistic: Statistic, own: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
        common = {name: np.where(shared[name], values, np.nan) for name, values in own.items()}
        return statistic(weights) | weighted_means(common, weights)

    def of_both(weights: np.ndarray) -> dict[str, np.ndarray]:
        scores = [of_one(cases.statistic, own, weights) for cases, own in zip((first, second), columns, strict=True)]
        pairs = zip((_FIRST, _SECOND), scores, strict=True)
        return {model + name: value for model, values in pairs for name, value in values.items()}

    return of_both


def _delong(first: Cases, second: Cases) -> list[dict[str, Any]]:
    others, rows = second.rankings(), []
    for name, (ranks, positive) in first.rankings().items():
        result = delong(ranks, others[name][0], positive)
        rows.append({"test": "DeLong", "score": name, "n": len(positive), "p": _significant(result.p)})
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
