"""How well numbers order cases: areas under the ROC and the precision-recall curve, and the curves."""

from __future__ import annotations

import numpy as np

# More points of a curve cannot be seen in a picture.
POINTS = 200


def ranking_areas(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC AUC and the average precision under many weightings of the cases at once.

    The values are those of `roc_auc_score` and `average_precision_score` of scikit-learn, which take one weighting at a
    time: leaving out a thousand patients sorts once here.

    Args:
        scores: Numbers that order the cases `(cases,)`.
        positive: Which of them are positive `(cases,)`.
        weights: Weights `(draws, cases)`.

    Returns:
        AUC and average precision, each `(draws,)`; NaN without a positive or a negative case. Of positive cases alone
        every order would be perfect.

    Example:
        >>> ranking_areas(np.array([0.9, 0.4, 0.6]), np.array([True, True, False]), np.ones((1, 3)))
        (array([0.5]), array([0.83333333]))
    """
    order = np.argsort(-scores, kind="stable")
    # Cases of one score are one step of the curve.
    steps = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    hits = np.add.reduceat(weights[:, order] * positive[order], steps, axis=1)
    misses = np.add.reduceat(weights[:, order] * ~positive[order], steps, axis=1)
    true_positives, false_positives = hits.cumsum(axis=1), misses.cumsum(axis=1)
    positives, negatives = true_positives[:, -1], false_positives[:, -1]
    auc = _ratio((misses * (true_positives - hits / 2)).sum(axis=1), positives * negatives)
    precision = _ratio(true_positives, true_positives + false_positives, undefined=0.0)
    # Of positive cases alone every order is perfect.
    return auc, np.where(negatives > 0, _ratio((hits * precision).sum(axis=1), positives), np.nan)


def ranking_curves(scores: np.ndarray, positive: np.ndarray) -> dict[str, dict[str, list[float]]] | None:
    """Return the points of the ROC and the precision-recall curve, thinned; None without positives or negatives."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    if positive.all() or not positive.any():
        return None
    fpr, tpr, _ = roc_curve(positive, scores)
    precision, recall, _ = precision_recall_curve(positive, scores, drop_intermediate=True)
    return {"roc": _points(fpr=fpr, tpr=tpr), "pr": _points(recall=recall, precision=precision)}


def _points(**axes: np.ndarray) -> dict[str, list[float]]:
    """Return at most `POINTS` points, evenly along the curve and with both of its ends."""
    steps = sum(np.abs(np.diff(values, prepend=values[0])) for values in axes.values())
    length = np.cumsum(steps)
    picked = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS - 2)).clip(max=len(length) - 1))
    picked = np.union1d(picked, [0, len(length) - 1])
    return {name: np.round(values[picked], 5).tolist() for name, values in axes.items()}


def _ratio(part: np.ndarray, whole: np.ndarray, undefined: float = np.nan) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), undefined), where=whole > 0)
