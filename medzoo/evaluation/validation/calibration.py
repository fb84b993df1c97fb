"""Calibration of probabilities, the temperature that improves it, and thresholds with their recall and precision."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation.tables import rounded

if TYPE_CHECKING:
    from medzoo.task import Classification

BINS = 15
CALIBRATION_RULE = (
    f"Expected calibration error over {BINS} bins of equal width: the mean gap between confidence and share of right "
    "answers, weighted by cases. With two labels it is about the probability of the second one, with more about the "
    "highest probability (Guo et al., 2017)."
)

# Bounds of the temperature. For a model that is right in every case the best one would be 0.
_RANGE = 0.1, 10.0


def reliability(probabilities: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence in each case, and whether the answer was right.

    Args:
        probabilities: Probabilities of the labels `(cases, labels)`.
        true: Indices of the true labels `(cases,)`.

    Returns:
        Confidence `(cases,)` and outcome `(cases,)` bool, see `CALIBRATION_RULE`.
    """
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], true == 1
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == true


def reliability_bins(confidence: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return sums of cases, confidence and right answers in each bin `(draws, bins)`, for weights `(draws, cases)`."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    member = bins[:, None] == np.arange(BINS)
    columns = {"cases": 1.0, "confidence": confidence[:, None], "right": outcome[:, None]}
    return {name: weights @ (member * values) for name, values in columns.items()}


def expected_calibration_error(bins: dict[str, np.ndarray]) -> np.ndarray:
    """Return the expected calibration error `(draws,)` of `reliability_bins`."""
    return np.abs(bins["confidence"] - bins["right"]).sum(axis=-1) / bins["cases"].sum(axis=-1)


def calibration_record(probabilities: np.ndarray, true: np.ndarray, task: Classification) -> dict[str, Any]:
    """Return as JSON the temperature, and of each bin the mean confidence, the share of right answers and the cases."""
    bins = reliability_bins(*reliability(probabilities, true), np.ones(len(true)))
    filled = bins["cases"] > 0
    return {
        "rule": CALIBRATION_RULE,
        "of": f"probability of {task.labels[1]}" if task.is_binary else "highest probability",
        "temperature": task.temperature,
        "confidence": [rounded(value) for value in bins["confidence"][filled] / bins["cases"][filled]],
        "accuracy": [rounded(value) for value in bins["right"][filled] / bins["cases"][filled]],
        "cases": bins["cases"][filled].astype(int).tolist(),
    }


def log_losses(probabilities: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the negative logarithm of the probability of the true label of each case `(cases,)`."""
    of_truth = np.take_along_axis(probabilities.astype(np.float64), true[:, None], axis=1)[:, 0]
    # A smaller probability is below the precision of a float32 network.
    return -np.log(np.maximum(of_truth, np.finfo(np.float32).eps))


def brier_scores(probabilities: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Return the squared error of the probabilities of each case `(cases,)`.

    It is summed over the labels, from 0 to 2; with two labels that of the second, from 0 to 1, as in scikit-learn.
    """
    squared = (probabilities - np.eye(probabilities.shape[1])[true]) ** 2
    return squared[:, 1] if squared.shape[1] == 2 else squared.sum(axis=1)


def fit_temperature(task: Classification, outputs: np.ndarray, true: np.ndarray) -> Classification:
    """Return the task with the temperature that makes the true labels most likely; its decisions stay the same.

    Args:
        task: The task of the model.
        outputs: Outputs of its network `(cases, outputs)`.
        true: Indices of the true labels `(cases,)`.

    Returns:
        The task with another temperature; with two labels its threshold is moved along.

    Raises:
        ValueError: Only one label occurs, which fits any confidence.

    Source:
        Guo et al., "On calibration of modern neural networks", 2017 (arXiv 1706.04599).
    """
    from scipy.optimize import minimize_scalar

    if len(np.unique(true)) < 2:
        raise ValueError(
            f"Calibration needs cases of at least two labels; got {len(true)} of {task.labels[int(true[0])]!r} only. "
            "Give the whole validation part."
        )

    def loss(logarithm: float) -> float:
        return float(log_losses(replace(task, temperature=np.exp(logarithm)).calibrated(outputs), true).mean())

    best = minimize_scalar(loss, bounds=np.log(_RANGE), method="bounded", options={"xatol": 1e-4})
    temperature = round(float(np.exp(best.x)), 4)
    threshold = task.threshold
    if task.is_binary:
        logit = np.log(threshold / (1 - threshold)) * task.temperature / temperature
        threshold = float(np.clip(1 / (1 + np.exp(-logit)), 1e-9, 1 - 1e-9))
    return replace(task, temperature=temperature, threshold=threshold)


RECALLS = (0.9, 0.95)
YOUDEN = "youden"


def choose_threshold(scores: np.ndarray, positive: np.ndarray, rule: float | str) -> float:
    """Return the threshold of a rule.

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
    # At the first point of the curve nothing is positive.
    fpr, tpr, thresholds = (values[1:] for values in roc_curve(positive, scores, drop_intermediate=False))
    index = int(np.argmax(tpr - fpr if rule == YOUDEN else tpr >= rule))
    below = float(thresholds[index + 1]) if index + 1 < len(thresholds) else 0.0
    return float(np.clip((float(thresholds[index]) + below) / 2, 1e-9, 1 - 1e-9))


def operating_points(task: Classification, scores: np.ndarray, positive: np.ndarray) -> list[dict[str, Any]] | None:
    """Return recall, specificity and precision at the threshold in use, at 0.5, and at the thresholds of the rules.

    The rules choose a threshold on the very cases that are scored, so these numbers flatter; `medzoo.calibrate` chooses
    one on other cases. None with more than two labels, which are not decided by a threshold.
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
