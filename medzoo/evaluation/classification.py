"""Scores of labels: decisions, how well probabilities order the cases, and whether they are frequencies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.evaluation import calibration, scores
from medzoo.evaluation.intervals import weighted_means
from medzoo.evaluation.outputs import stack_outputs
from medzoo.evaluation.ranking import ranking_areas, ranking_curves
from medzoo.evaluation.rounding import rounded
from medzoo.evaluation.thresholds import operating_points

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.task import Classification


@dataclass(frozen=True, eq=False)
class ClassificationCases:
    """The answers of a classification model and the truth.

    Args:
        task: The task of the model.
        true: Indices of the true labels `(cases,)`.
        outputs: Outputs of the network `(cases, outputs)`.
    """

    task: Classification
    true: np.ndarray
    outputs: np.ndarray

    @classmethod
    def collect(cls, task: Classification, samples: Samples, predictions: Iterable[Any]) -> ClassificationCases:
        """Put the answers beside the targets of the samples.

        Raises:
            ValueError: An answer is no number; the message names its image.
        """
        return cls(task, np.array(samples.targets, np.intp), stack_outputs(samples, predictions))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Calibrated probabilities of all labels `(cases, labels)`."""
        return self.task.calibrated(self.outputs)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Indices of the predicted labels `(cases,)`."""
        return self.task.decide(self.outputs).astype(np.intp)

    @property
    def ranks(self) -> np.ndarray:
        """What orders the cases for each label `(cases, labels)`."""
        if not self.task.is_binary:
            return self.probabilities
        # 1 - p would round probabilities near 0 to one value.
        return np.concatenate([-self.outputs, self.outputs], axis=1)

    def statistic(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every score `(draws,)` under weights `(draws, cases)`.

        `accuracy`, `balanced_accuracy`, `ece`, `log_loss`, `brier`; `precision`, `recall`, `f1`, `auc` and `ap`
        (average precision) as `<score>/<label>`, each label against all others, and as `<score>_macro` and
        `<score>_weighted`, the mean over the labels that occur, alike or by their cases. A score is NaN where nothing
        defines it; in the averages an undefined precision counts as 0, as in scikit-learn.
        """
        confusions = self._confusions(weights)
        by_label = self._by_label(confusions, weights)
        averaged = by_label | {"precision": np.nan_to_num(by_label["precision"])}
        bins = calibration.reliability_bins(*calibration.reliability(self.probabilities, self.true), weights)
        return (
            {"accuracy": scores.pixel_accuracy(confusions), "balanced_accuracy": _mean(by_label["recall"], confusions)}
            | {f"{name}_macro": _mean(values, confusions) for name, values in averaged.items()}
            | {f"{name}_weighted": _mean(values, confusions, by_cases=True) for name, values in averaged.items()}
            | {"ece": calibration.expected_calibration_error(bins)}
            | weighted_means(self.per_case(), weights)
            | {
                f"{name}/{label}": values[:, index]
                for name, values in by_label.items()
                for index, label in enumerate(self.task.labels)
            }
        )

    def per_case(self) -> dict[str, np.ndarray]:
        """Return what is defined for each case `(cases,)` by name."""
        return {
            "log_loss": calibration.log_losses(self.probabilities, self.true),
            "brier": calibration.brier_scores(self.probabilities, self.true),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return the true and the predicted label, the confidence in the latter, and the probability of every label."""
        labels = self.task.labels
        return [
            {
                "true": labels[true],
                "predicted": labels[predicted],
                "confidence": rounded(probabilities[predicted]),
                **{f"probability/{label}": rounded(value) for label, value in zip(labels, probabilities, strict=True)},
            }
            for true, predicted, probabilities in zip(self.true, self.predicted, self.probabilities, strict=True)
        ]

    def details(self) -> dict[str, Any]:
        """Return the fields of the record that only this task has."""
        return {
            "confusion": self._confusions(np.ones((1, len(self.true))))[0].astype(int).tolist(),
            "threshold": self.task.threshold if self.task.is_binary else None,
            "curves": self._curves(),
            "calibration": calibration.calibration_record(self.probabilities, self.true, self.task),
            "operating_points": operating_points(self.task, self.probabilities[:, -1], self.true == 1),
        }

    def _confusions(self, weights: np.ndarray) -> np.ndarray:
        count = len(self.task.labels)
        pairs = self.true * count + self.predicted
        return np.stack([np.bincount(pairs, row, count**2).reshape(count, count) for row in weights])

    def _by_label(self, confusions: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        count = len(self.task.labels)
        areas = [ranking_areas(self.ranks[:, index], self.true == index, weights) for index in range(count)]
        auc, ap = (np.stack(values, axis=1) for values in zip(*areas, strict=True))
        names = {"precision": scores.precision, "recall": scores.recall, "f1": scores.dice}
        return {name: score(confusions) for name, score in names.items()} | {"auc": auc, "ap": ap}

    def _curves(self) -> dict[str, Any]:
        shown = range(1, 2) if self.task.is_binary else range(len(self.task.labels))
        return {self.task.labels[index]: ranking_curves(self.ranks[:, index], self.true == index) for index in shown}


def _mean(values: np.ndarray, confusions: np.ndarray, by_cases: bool = False) -> np.ndarray:
    """Return the mean `(draws,)` of values `(draws, labels)` over the labels that occur."""
    cases = confusions.sum(-1)
    weights = cases if by_cases else (cases > 0).astype(np.float64)
    return np.where(cases > 0, weights * values, 0).sum(-1) / weights.sum(-1)
