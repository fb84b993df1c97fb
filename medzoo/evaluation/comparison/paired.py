"""How sure the differences between two models on the same cases are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from medzoo.evaluation.cases import Cases
from medzoo.evaluation.intervals import PLAIN, Statistic, intervals, weighted_means
from medzoo.evaluation.tables import score_json

# How often the answers of patients change sides.
EXCHANGES = 1999

# Weights that are held at once; 32 MB.
_AT_ONCE = 4_000_000


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
    """Return every score of both models and the difference, each with its interval, and how sure the difference is."""
    statistic = _statistic_of_both(first, second)
    one, other = (partial(_weighted, statistic, side) for side in (0, 1))
    sides = {"first": intervals(one, patients, seed), "second": intervals(other, patients, seed)}
    sides["difference"] = intervals(partial(_difference, statistic), patients, seed, scale=lambda _: PLAIN)
    p = exchange_p(statistic, patients, seed)
    return {
        name: {side: score_json(*scores[name]) for side, scores in sides.items()} | {"p": _significant(p[name])}
        for name in p
    }


def exchange_p(statistic: Statistic, patients: Sequence[str], seed: int = 0) -> dict[str, float]:
    """Return how often the difference of two models is as large as it is where nothing tells them apart, by score.

    If the models are equally good, then it does not matter which of them gave which answer for a patient. So the
    answers for a random half of the patients change sides, again and again. Such a test calls equal models different
    in 5 % of the studies at p = 0.05, with few patients too.

    Args:
        statistic: Maps weights `(draws, 2 * cases)` of the cases of the first model, then those of the second, to
            scores.
        patients: Patient of each of the cases.
        seed: Which patients change sides.

    Returns:
        Two-sided p-values, never 0; NaN with one patient and where a score is not defined.

    Source:
        Phipson and Smyth, "Permutation P-values should never be zero", 2010, https://doi.org/10.2202/1544-6115.1585
    """
    names, owner = np.unique(np.asarray(patients, str), return_inverse=True)
    generator = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // (2 * len(owner)))
    rows = [_difference(statistic, np.ones((1, len(owner))))]
    for start in range(0, EXCHANGES, step):
        swapped = generator.random((min(step, EXCHANGES - start), len(names))) < 0.5
        rows.append(_difference(statistic, np.ones((1, len(owner))), swapped[:, owner]))
    differences = {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
    return {name: _share_beyond(values, len(names)) for name, values in differences.items()}


def _share_beyond(differences: np.ndarray, patients: int) -> float:
    if patients < 2 or not np.isfinite(differences[0]):
        return np.nan
    sizes = np.abs(differences[np.isfinite(differences)])
    # Rounding does not make a difference of equal sums.
    return float(np.mean(sizes >= sizes[0] - 1e-12))


def _weighted(statistic: Statistic, side: int, weights: np.ndarray) -> dict[str, np.ndarray]:
    none = np.zeros_like(weights)
    return statistic(np.hstack([none, weights] if side else [weights, none]))


def _difference(statistic: Statistic, weights: np.ndarray, swapped: np.ndarray | bool = False) -> dict[str, np.ndarray]:
    """Return the scores of the second model minus those of the first, where the answers for `swapped` cases change."""
    kept, taken = weights * np.logical_not(swapped), weights * swapped
    before, after = statistic(np.hstack([kept, taken])), statistic(np.hstack([taken, kept]))
    return {name: after[name] - before[name] for name in before}


def compare_cases(first: Cases, second: Cases, patients: Sequence[str]) -> list[dict[str, Any]]:
    """Return what tests of single cases say."""
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


def _statistic_of_both(first: Cases, second: Cases) -> Statistic:
    """Return the statistic of the cases of both; means over cases take those in which both models have the score."""
    both = first.joined(second)
    pairs = zip(first.per_case().items(), second.per_case().values(), strict=True)
    shared = {name: np.tile(np.isfinite(values) & np.isfinite(others), 2) for (name, values), others in pairs}
    columns = {name: np.where(shared[name], values, np.nan) for name, values in both.per_case().items()}
    return lambda weights: both.statistic(weights) | weighted_means(columns, weights)


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


def _significant(p: float) -> float | None:
    return float(f"{p:.3g}") if np.isfinite(p) else None
