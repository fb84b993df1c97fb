"""Thresholds of a binary classifier: what each one finds and misses, and how to choose one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.rounding import rounded

if TYPE_CHECKING:
    from medzoo.task import Classification

RECALLS = (0.9, 0.95)
YOUDEN = "youden"


def choose_threshold(scores: np.ndarray, positive: np.ndarray, rule: float | str) -> float:
    """Return the threshold that a rule asks for.

    Args:
        scores: Probabilities of the positive label `(cases,)`.
        positive: Which cases are positive `(cases,)`.
        rule: A recall in (0, 1]: the highest threshold that reaches it; or `"youden"`: the one with the largest sum of
            recall and specificity. Between two cases the threshold lies in the middle.

    Raises:
        ValueError: There is no positive or no negative case, or the rule is another.

    Example:
        >>> choose_threshold(np.array([0.1, 0.3, 0.6, 0.8]), np.array([False, True, False, True]), rule=1.0)
        0.2
    """
    from sklearn.metrics import roc_curve

    if rule != YOUDEN and not (isinstance(rule, int | float) and 0 < rule <= 1):
        raise ValueError(f"A threshold is chosen for a recall above 0 and up to 1, or by 'youden'; got {rule!r}.")
    if positive.all() or not positive.any():
        raise ValueError("A threshold cannot be chosen without positive and negative cases. Give the whole part.")
    # The first point of the curve is that of no answer at all.
    fpr, tpr, thresholds = (values[1:] for values in roc_curve(positive, scores, drop_intermediate=False))
    index = int(np.argmax(tpr - fpr if rule == YOUDEN else tpr >= rule))
    below = float(thresholds[index + 1]) if index + 1 < len(thresholds) else 0.0
    return float(np.clip((float(thresholds[index]) + below) / 2, 1e-9, 1 - 1e-9))


def operating_points(task: Classification, scores: np.ndarray, positive: np.ndarray) -> list[dict[str, Any]] | None:
    """Return recall, specificity and precision at the threshold in use, at 0.5, and where the rules put it.

    Those that are chosen by a rule are chosen on the very cases that are scored, so they flatter; `medzoo.calibrate`
    chooses one on other cases. None with more than two labels, where nothing is compared with a threshold.
    """
    if not task.is_binary:
        return None
    points = {"in use": task.threshold} | ({} if task.threshold == 0.5 else {"0.5": 0.5})
    if positive.any() and not positive.all():
        points[YOUDEN] = choose_threshold(scores, positive, YOUDEN)
        points |= {f"recall {recall:g}": choose_threshold(scores, positive, recall) for recall in RECALLS}
    return [{"rule": rule, **_point(scores, positive, threshold)} for rule, threshold in points.items()]


def _point(scores: np.ndarray, positive: np.ndarray, threshold: float) -> dict[str, float | None]:
    called = scores >= threshold
    right = int((called & positive).sum())
    return {
        "threshold": rounded(threshold),
        "recall": _share(right, positive.sum()),
        "specificity": _share((~called & ~positive).sum(), (~positive).sum()),
        "precision": _share(right, called.sum()),
    }


def _share(part: int, whole: int) -> float | None:
    return rounded(part / whole) if whole else None
