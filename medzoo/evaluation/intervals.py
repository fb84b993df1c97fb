"""Confidence intervals of scores, over patients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def bootstrap(
    counts: np.ndarray,
    groups: Sequence[str],
    statistic: Callable[[np.ndarray], dict[str, np.ndarray]],
    samples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float, float]]:
    """Score sums of `counts`, with percentile intervals from drawing patients with replacement.

    Cases of one patient resemble each other, so the patient is what is drawn; all its cases come along. The scores
    are functions of sums over cases, so the sums per patient are formed once and only weighted in each sample.

    Args:
        counts: What is summed over cases, `(cases, ...)`, for example confusion matrices.
        groups: Patient of each case.
        statistic: Maps sums `(samples, ...)` to named scores `(samples,)`; NaN where a score is not defined.
        samples: How many times the patients are drawn.
        seed: Same seed, same intervals.
        level: Share of the samples that lies inside the interval.

    Returns:
        Name to (value, low, high); low and high are NaN with fewer than two patients.

    Source:
        Field and Welsh, "Bootstrapping clustered data", 2007, https://doi.org/10.1111/j.1467-9868.2007.00593.x
    """
    patients, owner = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    per_patient = np.zeros((len(patients), *np.shape(counts)[1:]))
    np.add.at(per_patient, owner, counts)
    values = statistic(per_patient.sum(axis=0, keepdims=True))
    drawn = statistic(_draw(per_patient, samples, seed))
    return {name: (float(values[name][0]), *_interval(drawn[name], len(patients), level)) for name in values}


def _draw(per_patient: np.ndarray, samples: int, seed: int) -> np.ndarray:
    generator, count = np.random.default_rng(seed), len(per_patient)
    flat = per_patient.reshape(count, -1)
    weights = (np.bincount(generator.integers(count, size=count), minlength=count) for _ in range(samples))
    return np.stack([weight @ flat for weight in weights]).reshape(samples, *per_patient.shape[1:])


def _interval(drawn: np.ndarray, patients: int, level: float) -> tuple[float, float]:
    drawn = drawn[np.isfinite(drawn)]
    if patients < 2 or not drawn.size:
        return np.nan, np.nan
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
