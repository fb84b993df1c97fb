"""Scores of all out-of-fold answers together: each case by the one model that did not learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.intervals import Statistic, bootstrap, weighted_means
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.regression import RegressionCases
from medzoo.evaluation.rounding import score_json
from medzoo.task import Task


def pool(
    task: Task, evaluations: Sequence[Evaluation], patients: Sequence[str], seed: int = 0
) -> dict[str, dict[str, float | None]]:
    """Score the cases of all folds as one set, with 95 % intervals over patients.

    Args:
        task: Task of the models.
        evaluations: Record of each fold on its validation part.
        patients: Patient of each of their cases.
        seed: Seed of the bootstrap.

    Returns:
        Name to `{"value", "low", "high"}`, with the names of the records; of a segmentation those of single cases,
        such as `dice_per_case`, only.
    """
    rows = [row for evaluation in evaluations for row in evaluation.cases]
    scores = bootstrap(_STATISTICS[task.name](task, rows), patients, seed=seed)
    return {name: score_json(*values) for name, values in scores.items() if name in evaluations[0].scores}


def _classification(task: Any, rows: list[dict[str, Any]]) -> Statistic:
    true = np.array([task.labels.index(row["true"]) for row in rows], np.intp)
    probabilities = np.array([[row[f"probability/{label}"] for label in task.labels] for row in rows])
    # The probabilities of a record are calibrated already.
    outputs = probabilities[:, 1:] if task.is_binary else probabilities
    return ClassificationCases(replace(task, temperature=1.0), true, outputs).statistic


def _regression(task: Any, rows: list[dict[str, Any]]) -> Statistic:
    true, predicted = (np.array([row[name] for row in rows], np.float64) for name in ("true", "predicted"))
    return RegressionCases(task, true, predicted).statistic


def _segmentation(task: Any, rows: list[dict[str, Any]]) -> Statistic:
    columns = {f"{name}_per_case": np.array([row[name] for row in rows], np.float64) for name in ("dice", "iou")}
    return lambda weights: weighted_means(columns, weights)


_STATISTICS = {"classification": _classification, "regression": _regression, "segmentation": _segmentation}
