"""Scores of labels: of the decisions, of the order of the cases by probability, and of the calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from medzoo.evaluation import scores
from medzoo.evaluation.cases import stack_outputs
from medzoo.evaluation.intervals import Statistic, weighted_means
from medzoo.evaluation.ranking import ranking_areas, ranking_curves
from medzoo.evaluation.tables import rounded
from medzoo.evaluation.validation import calibration
from medzoo.evaluation.validation.calibration import operating_points

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

    shown: ClassVar[tuple[str, ...]] = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc")
    compared: ClassVar[tuple[str, ...]] = ("balanced_accuracy", "accuracy", "auc_macro", "f1_macro", "log_loss")

    @classmethod
    def collect(cls, task: Classification, samples: Samples, predictions: Iterable[Any]) -> ClassificationCases:
        """Put the answers beside the targets of the samples.

        Raises:
            ValueError: An answer is not finite; the message names its image.
        """
        return cls(task, np.array(samples.targets, np.intp), stack_outputs(samples, predictions))

    @staticmethod
    def pooled(task: Classification, rows: Sequence[dict[str, Any]]) -> Statistic:
        """Return the statistic of rows of records."""
        true = np.array([task.labels.index(row["true"]) for row in rows], np.intp)
        probabilities = np.array([[row[f"probability/{label}"] for label in task.labels] for row in rows])
        outputs = probabilities[:, 1:] if task.is_binary else probabilities
        # The probabilities of a record are calibrated already.
        return ClassificationCases(replace(task, temperature=1.0), true, outputs).statistic

    @staticmethod
    def explained(task: Classification, index: int | None, answers: np.ndarray) -> tuple[int, float, np.ndarray]:
        """Return the label to explain, by default the predicted one, its probability, and equal weights."""
        # As a prediction takes the mean over slices.
        mean = answers.mean(axis=0)
        index = int(task.decide(mean)) if index is None else index
        return index, float(task.calibrated(mean)[index]), np.ones(len(answers))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Calibrated probabilities of all labels `(cases, labels)`."""
        return self.task.calibrated(self.outputs)

    @cached_property
    def predicted(self) -> np.ndarray:
        """Indices of the predicted labels `(cases,)`."""
        return self.task.decide(self.outputs).astype(np.intp)

    @cached_property
    def ranks(self) -> np.ndarray:
        """Numbers that order the cases for each label `(cases, labels)`."""
        if not self.task.is_binary:
            return self.probabilities
        # 1 - p would round probabilities near 0 to one value.
        return np.concatenate([-self.outputs, self.outputs], axis=1)

    def statistic(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every score `(draws,)` under weights `(draws, cases)`.

        `accuracy`, `balanced_accuracy`, `ece`, `log_loss`, `brier`; `precision`, `recall`, `f1`, `auc` and `ap`
        (average precision) as `<score>/<label>`, each label against all others, and as `<score>_macro` and
        `<score>_weighted`, the mean over the labels, unweighted or weighted by their cases. An undefined score is NaN.
        The means are scikit-learn's: an undefined precision, recall or F1 counts as 0, and a label that is predicted
        but never true counts too; `balanced_accuracy`, `auc` and `ap` take the labels that occur.
        """
        confusions = self._confusions(weights)
        by_label = self._by_label(confusions, weights)
        true, predicted = confusions.sum(-1), confusions.sum(-2)
        occurring = (true > 0).astype(np.float64)
        # Areas need positive cases; for the other scores scikit-learn also counts a label that is only predicted, as 0.
        counted = {name: occurring if name in ("auc", "ap") else (true + predicted > 0) * 1.0 for name in by_label}
        bins = calibration.reliability_bins(*calibration.reliability(self.probabilities, self.true), weights)
        return (
            {"accuracy": scores.pixel_accuracy(confusions), "balanced_accuracy": _mean(by_label["recall"], occurring)}
            | {
                f"{name}_macro": _mean(_zero_decisions(name, values), counted[name])
                for name, values in by_label.items()
            }
            | {f"{name}_weighted": _mean(_zero_decisions(name, values), true) for name, values in by_label.items()}
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

    def joined(self, other: ClassificationCases) -> ClassificationCases:
        """Return the cases as this model answered them, then as the other model did.

        Each model keeps its own threshold and temperature, and orders the cases by rank: outputs of two models have
        different scales.
        """
        from scipy.stats import rankdata

        pair = (self, other)
        true, outputs = (np.concatenate([getattr(cases, name) for cases in pair]) for name in ("true", "outputs"))
        both = replace(self, true=true, outputs=outputs)
        # These are the names of cached properties.
        both.__dict__.update(
            probabilities=np.concatenate([cases.probabilities for cases in pair]),
            predicted=np.concatenate([cases.predicted for cases in pair]),
            ranks=np.concatenate([rankdata(cases.ranks, axis=0) for cases in pair]),
        )
        return both

    def rankings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return, by the name of each ROC AUC, the ranks of the cases and which of them are positive, `(cases,)`."""
        return {f"auc/{self.task.labels[i]}": (self.ranks[:, i], self.true == i) for i in self._ranked}

    def rows(self) -> list[dict[str, Any]]:
        """Return the true and the predicted label of each case, the confidence, and the probability of every label."""
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
        return {self.task.labels[i]: ranking_curves(self.ranks[:, i], self.true == i) for i in self._ranked}

    @property
    def _ranked(self) -> range:
        """Indices of the labels to rank by: with two labels only the second, since the first has its reversed order."""
        return range(1, 2) if self.task.is_binary else range(len(self.task.labels))


def _zero_decisions(name: str, values: np.ndarray) -> np.ndarray:
    """Return undefined precisions, recalls and F1 as 0, which scikit-learn does; areas stay as they are."""
    return values if name in ("auc", "ap") else np.nan_to_num(values)


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean `(draws,)` of values `(draws, labels)` over the labels with a weight `(draws, labels)`."""
    total = weights.sum(-1)
    summed = np.where(weights > 0, weights * values, 0).sum(-1)
    return np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0)
