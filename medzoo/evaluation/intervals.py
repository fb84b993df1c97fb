"""Confidence intervals of scores, over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Statistic = Callable[[np.ndarray], dict[str, np.ndarray]]

# Share of repeated studies whose interval holds the true score.
LEVEL = 0.95

# Patients are left out one by one; where there are more, in this many groups of equal size.
MOST_PARTS = 1000

METHOD = "jackknife over {unit}, Student's t on a scale without bounds"

# Weights that are held at once; 32 MB.
_AT_ONCE = 4_000_000

# A share is drawn towards 1/2 by half a case in this many for each patient, so that one near 0 or 1 has a finite logit.
_CAUTION = 16


class Interval(NamedTuple):
    """A score and its bounds; NaN where they are not known."""

    value: float
    low: float
    high: float


class Scale(NamedTuple):
    """Where a score lies, and the way to a scale on which it is nearly normal, and back."""

    low: float
    high: float
    forward: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


SHARE = Scale(0, 1, lambda share: np.log(share / (1 - share)), lambda logit: 1 / (1 + np.exp(-logit)))
CORRELATION = Scale(-1, 1, np.arctanh, np.tanh)
EXPLAINED = Scale(-np.inf, 1, lambda part: -np.log1p(-part), lambda plain: -np.expm1(-plain))
DISTANCE = Scale(0, np.inf, np.log, np.exp)
PLAIN = Scale(-np.inf, np.inf, lambda value: value, lambda value: value)

# By the name of a score up to its first "/" or "_"; all others are shares.
SCALES = {
    "r2": EXPLAINED,
    "kappa": EXPLAINED,
    "pearson": CORRELATION,
    "mcc": CORRELATION,
    **dict.fromkeys(("mae", "rmse", "mape", "log", "brier"), DISTANCE),
    **dict.fromkeys(("hd95", "assd", "area", "volume", "relative"), DISTANCE),
    **dict.fromkeys(("bias", "lower", "upper"), PLAIN),
}


def scale_of(name: str) -> Scale:
    """Return the scale of a score by its name, such as `auc/malignant`.

    Example:
        >>> scale_of("auc/malignant") is SHARE, scale_of("mae") is DISTANCE
        (True, True)
    """
    return SCALES.get(name.split("/")[0].split("_")[0], SHARE)


def intervals(
    statistic: Statistic,
    patients: Sequence[str],
    seed: int = 0,
    level: float = LEVEL,
    scale: Callable[[str], Scale] = scale_of,
) -> dict[str, Interval]:
    """Compute scores and their intervals from leaving out one patient after the other.

    How much a score changes without a patient tells its standard error, whatever the score is; cases of one patient
    resemble each other, so they leave together. The interval is made on a scale on which the score is nearly normal
    (logit of a share, logarithm of a distance) and so stays within the bounds of the score. Where a few patients carry
    most of the error, it takes the quantiles of Student's t with fewer degrees of freedom. `benchmarks/coverage.py`
    measures how often such intervals hold the true score.

    Args:
        statistic: Maps weights `(draws, cases)` to named scores `(draws,)`; NaN where a score is not defined.
        patients: Patient of each case.
        seed: Which patients share a group, where there are more than 1000.
        level: Share of repeated studies whose interval should hold the true score.
        scale: Returns the scale of a score by its name.

    Returns:
        Name to value and bounds. The bounds are NaN with fewer than two patients, and where the score is not defined
        without one of them. A share of exactly 0 or 1 has the bound of Clopper and Pearson for as many patients as it
        rests on.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 11; degrees of freedom: Satterthwaite,
        1946, https://doi.org/10.2307/3002019; shares: Clopper and Pearson, 1934, https://doi.org/10.2307/2331986
    """
    owner = _parts(patients, seed)
    values = statistic(np.ones((1, len(owner))))
    if not owner.any():
        return {name: Interval(float(value), np.nan, np.nan) for name, (value,) in values.items()}
    without = leave_one_out(statistic, owner)
    scores = {}
    for name, (value,) in values.items():
        if scale(name) is SHARE and value in (0, 1) and (without[name] == value).all():
            scores[name] = _exact(float(value), _support(statistic, name, owner), level)
        else:
            scores[name] = _normal(float(value), without[name], scale(name), level)
    return scores


def leave_one_out(statistic: Statistic, owner: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores `(parts,)` without each part of the patients, by name; `owner` is the part of each case."""
    return _each(statistic, owner, lambda parts: owner != parts[:, None])


def _each(statistic: Statistic, owner: np.ndarray, chosen: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    count = int(owner.max()) + 1
    step = max(1, _AT_ONCE // len(owner))
    steps = (np.arange(start, min(count, start + step)) for start in range(0, count, step))
    rows = [statistic(chosen(parts).astype(np.float64)) for parts in steps]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def standard_error(changes: np.ndarray) -> tuple[float, float]:
    """Return the jackknife's standard error of a score and its degrees of freedom.

    Args:
        changes: The score of all patients minus that without each `(parts,)`.
    """
    count = len(changes)
    influence = (count - 1) * (changes - changes.mean())
    variance = np.mean(influence**2)
    if not variance > 0:
        return 0.0, count - 1
    # The fewer patients make up the variance, the less is known of it: that of a mean of squares.
    excess = np.mean(influence**4) / variance**2 - 1
    freedom = 2 * count / excess if excess > 0 else np.inf
    return float(np.sqrt(variance / (count - 1))), float(np.clip(freedom, 2, max(2, count - 1)))


def _normal(value: float, without: np.ndarray, scale: Scale, level: float) -> Interval:
    from scipy.stats import t

    if not np.isfinite(value) or not np.isfinite(without).all():
        return Interval(value, np.nan, np.nan)
    both = np.append(without, value)
    if scale is SHARE:
        both = (both * _CAUTION * len(without) + 0.5) / (_CAUTION * len(without) + 1)
    if both.min() <= scale.low or both.max() >= scale.high:
        scale = PLAIN._replace(low=scale.low, high=scale.high)
    *others, middle = scale.forward(both)
    error, freedom = standard_error(middle - np.array(others))
    if not error:
        return Interval(value, value, value)
    reach = t.ppf((1 + level) / 2, freedom) * error
    low, high = np.clip(scale.back(np.array([middle - reach, middle + reach])), scale.low, scale.high)
    return Interval(value, float(min(low, value)), float(max(high, value)))


def _exact(value: float, patients: int, level: float) -> Interval:
    if patients < 1:
        return Interval(value, np.nan, np.nan)
    bound = ((1 - level) / 2) ** (1 / patients)
    return Interval(value, bound, 1.0) if value else Interval(value, 0.0, 1 - bound)


def _support(statistic: Statistic, name: str, owner: np.ndarray) -> int:
    """Return how many patients a score rests on: those that have it alone; of two kinds that it tells apart, the fewer.

    A recall rests on the patients with its label, the area under a ROC curve on the positive ones or the negative ones.
    """
    alone = np.isfinite(_each(statistic, owner, lambda parts: owner == parts[:, None])[name])
    rest = np.flatnonzero(~alone)
    if not rest.size:
        return int(alone.sum())
    beside = np.isfinite(_each(statistic, owner, lambda parts: (owner == parts[:, None]) | (owner == rest[0]))[name])
    others = int((beside & ~alone).sum())
    return int(alone.sum()) + min(others, rest.size - others)


def _parts(patients: Sequence[str], seed: int) -> np.ndarray:
    """Return the number of the part of each case: its patient, or a group of patients."""
    names, owner = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    if len(names) <= MOST_PARTS:
        return owner
    return np.random.default_rng(seed).permutation(len(names))[owner] % MOST_PARTS


def weighted_means(values: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the means `(draws,)` of values per case by name, under weights `(draws, cases)`; NaN values do not count.

    Example:
        >>> weighted_means({"dice": np.array([1, 0.5, np.nan])}, np.array([[1, 1, 1]]))
        {'dice': array([0.75])}
    """
    return {name: _mean(np.asarray(column, np.float64), weights) for name, column in values.items()}


def _mean(column: np.ndarray, weights: np.ndarray) -> np.ndarray:
    present = np.isfinite(column)
    total = weights @ present
    return np.divide(weights @ np.where(present, column, 0), total, out=np.full(len(total), np.nan), where=total > 0)
