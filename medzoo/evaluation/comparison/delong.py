"""DeLong's test of two areas under the ROC curve of the same cases."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class AucDifference(NamedTuple):
    """Two areas, the standard error of the second minus the first, and the two-sided p-value."""

    first: float
    second: float
    error: float
    p: float


def delong(first: np.ndarray, second: np.ndarray, positive: np.ndarray) -> AucDifference:
    """Compare two areas under the ROC curve that were measured on the same, independent cases.

    The area is a mean over pairs of a positive and a negative case. Its variance follows from how much each case adds
    to it, which the ranks of the scores tell in one sort.

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
        return AucDifference(*areas, np.nan, np.nan)
    error = float(np.sqrt(sum(values.var(ddof=1) / len(values) for values in differences)))
    gap = abs(areas[1] - areas[0])
    # Rounding leaves no difference between equal orders.
    p = 1.0 if gap < 1e-12 else float(2 * norm.sf(gap / error)) if error else np.nan
    return AucDifference(*areas, error, p)


def _components(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of negative cases below each positive case, and of positive ones above each negative case."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    below = (ranks[positive] - rankdata(scores[positive])) / (~positive).sum()
    above = 1 - (ranks[~positive] - rankdata(scores[~positive])) / positive.sum()
    return below, above
