"""Confidence intervals of scores, over patients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

Statistic = Callable[[np.ndarray], dict[str, np.ndarray]]

# How often patients are drawn, and the share of the draws that an interval holds.
SAMPLES, LEVEL = 1000, 0.95

# Weights that are held at once; 32 MB.
_AT_ONCE = 4_000_000


def bootstrap(
    statistic: Statistic, groups: Sequence[str], samples: int = SAMPLES, seed: int = 0, level: float = LEVEL
) -> dict[str, tuple[float, float, float]]:
    """Compute scores, with percentile intervals from drawing patients with replacement.

    Cases of one patient resemble each other, so the patient is what is drawn; all its cases come along. A draw is how
    often each case counts, so that a score is computed for hundreds of draws in one step.

    Args:
        statistic: Maps weights `(draws, cases)` to named scores `(draws,)`; NaN where a score is not defined.
        groups: Patient of each case.
        samples: How many times the patients are drawn.
        seed: Same seed, same intervals.
        level: Share of the samples that lies inside the interval.

    Returns:
        Name to (value, low, high); low and high are NaN with fewer than two patients.

    Source:
        Field and Welsh, "Bootstrapping clustered data", 2007, https://doi.org/10.1111/j.1467-9868.2007.00593.x
    """
    values = statistic(np.ones((1, len(groups))))
    drawn = draw(statistic, groups, samples, seed)
    return {name: (float(values[name][0]), *percentile_interval(drawn[name], level)) for name in values}


def draw(statistic: Statistic, groups: Sequence[str], samples: int, seed: int) -> dict[str, np.ndarray]:
    """Return the scores `(samples,)` of draws of patients by name, NaN throughout with fewer than two patients."""
    parts = [statistic(weights) for weights in _weights(groups, samples, seed)]
    drawn = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return drawn if len(set(groups)) > 1 else {name: np.full(samples, np.nan) for name in drawn}


def percentile_interval(drawn: np.ndarray, level: float) -> tuple[float, float]:
    """Return the bounds of the middle `level` of the drawn scores that are defined; NaN where none is."""
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def weighted_means(values: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return the means `(draws,)` of values per case by name, under weights `(draws, cases)`; NaN values do not count.

    Example:
        >>> weighted_means({"dice": np.array([1, 0.5, np.nan])}, np.array([[1, 1, 1]]))
        {'dice': array([0.75])}
    """
    return {name: _mean(np.asarray(column, np.float64), weights) for name, column in values.items()}


def _mean(column: np.ndarray, weights: np.ndarray) -> np.ndarray:
    known = np.isfinite(column)
    total = weights @ known
    return np.divide(weights @ np.where(known, column, 0), total, out=np.full(len(total), np.nan), where=total > 0)


def _weights(groups: Sequence[str], samples: int, seed: int) -> Iterator[np.ndarray]:
    patients, owner = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    generator, count = np.random.default_rng(seed), len(patients)
    step = max(1, _AT_ONCE // len(owner))
    for start in range(0, samples, step):
        draws = generator.integers(count, size=(min(step, samples - start), count))
        yield np.stack([np.bincount(row, minlength=count)[owner] for row in draws]).astype(np.float64)
