"""Scores of masks: overlap from confusion matrices, and distances and sizes of every structure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from medzoo.evaluation import distances, scores
from medzoo.evaluation.intervals import Statistic, weighted_means
from medzoo.evaluation.ranking import ranking_areas
from medzoo.evaluation.tables import rounded
from medzoo.task.segmentation import foreground, ignored_pixels

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.task import Segmentation, Task


@dataclass(frozen=True, eq=False)
class SegmentationCases:
    """What is kept of the masks of every case after their comparison.

    Args:
        task: The task of the model.
        confusions: Confusion matrices `(cases, labels, labels)`.
        measures: For each case the distances and size errors of its structures, by name; see `distances.measure`.
        masses: Summed probability of each label `(cases, labels)`; None where there is one structure only, or a case
            truly holds several.
    """

    task: Segmentation
    confusions: np.ndarray
    measures: list[dict[str, float]]
    masses: np.ndarray | None = None

    shown: ClassVar[tuple[str, ...]] = ("dice", "dice_per_case", "iou", "pixel_accuracy")
    # Estimators answer no masks.
    compared: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def collect(cls, task: Segmentation, samples: Samples, predictions: Iterable[Any]) -> SegmentationCases:
        """Compare the predicted masks with those of the samples one by one, in the grid as displayed.

        Raises:
            ValueError: A mask does not have the size of its image; the message names it.
        """
        confusions, measures = [], []
        masses: list[np.ndarray] | None = None if task.is_binary else []
        for index, prediction in enumerate(predictions):
            true, predicted = true_mask(task, samples, index), prediction.displayed_mask
            if true.shape != predicted.shape:
                raise ValueError(
                    f"{samples.sources[index]}: the annotated mask must have the size of the image {predicted.shape}; "
                    f"got {true.shape}. Correct the annotation, or its width and height in a COCO file."
                )
            true, predicted, ignored = without_ignored(true, predicted, len(task.labels))
            confusions.append(scores.confusion(true, predicted, task.labels))
            # In both masks they are background now.
            confusions[-1][0, 0] -= ignored
            measures.append(distances.measure(true, predicted, task.labels, prediction.scan.steps))
            # Their probabilities cost time and are of use only where no case truly holds several labels.
            several = np.count_nonzero(confusions[-1][1:].sum(1)) > 1
            masses = None if masses is None or several else [*masses, prediction.masses]
        return cls(task, np.stack(confusions), measures, np.stack(masses) if masses else None)

    @staticmethod
    def pooled(task: Segmentation, rows: Sequence[dict[str, Any]]) -> Statistic:
        """Return the statistic of rows of records, which hold the overlap of each case, but no counts of pixels."""
        columns = {f"{name}_per_case": np.array([row[name] for row in rows], np.float64) for name in ("dice", "iou")}
        return lambda weights: weighted_means(columns, weights)

    @staticmethod
    def explained(task: Segmentation, index: int | None, answers: np.ndarray) -> tuple[int, float, np.ndarray]:
        """Return the label to explain, its share of the pixels, and where these are.

        By default it is the foreground label with the most pixels.
        """
        if index is None:
            index = max(range(1, len(task.labels)), key=lambda index: np.count_nonzero(answers == index))
        where = answers == index
        return index, float(where.mean()), where

    def statistic(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every score `(draws,)` under weights `(draws, cases)`.

        They are those of `scores.pooled_scores` and the means over cases of the values of `per_case`. Where each case
        truly holds one label of several, also how well these tell it: `main_label_accuracy` and `main_label_f1_macro`
        of the label with the most pixels, `main_label_auc_macro` of the share of each label in the probability of all
        foreground; and `foreground_dice`, pooled, whatever the label.
        """
        pooled = np.tensordot(weights, self.confusions, axes=1)
        values = scores.pooled_scores(pooled, self.task.labels) | weighted_means(self.per_case(), weights)
        if self._main_labels is None:
            return values
        values |= scores.main_label_scores(np.tensordot(weights, self._main_labels, axes=1))
        values["main_label_auc_macro"] = self._auc_of_shares(weights)
        return values | {"foreground_dice": scores.dice(scores.merged(pooled))[..., 1]}

    def per_case(self) -> dict[str, np.ndarray]:
        """Return what is defined for each case `(cases,)` by name; NaN where it is not.

        `dice_per_case` and `iou_per_case`, with several foreground labels `dice_per_case/<label>` too, the absolute
        values of `distances.measure`, and `foreground_dice_per_case` where each case truly holds one of several labels.
        """
        columns = {name: np.abs(values) for name, values in self._measures().items()}
        structures = {f"dice_per_case/{label}": values for label, values in self._dice_of_structures().items()}
        overlap = scores.case_scores(self.confusions)
        if self._main_labels is not None:
            columns["foreground_dice_per_case"] = scores.case_scores(scores.merged(self.confusions))["dice"]
        return {f"{name}_per_case": values for name, values in overlap.items()} | structures | columns

    def joined(self, other: SegmentationCases) -> SegmentationCases:
        """Return the cases as this model answered them, then as the other model did."""
        confusions = np.concatenate([self.confusions, other.confusions])
        masses = None if self.masses is None or other.masses is None else np.concatenate([self.masses, other.masses])
        return replace(self, confusions=confusions, measures=[*self.measures, *other.measures], masses=masses)

    def rankings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return none: probabilities of pixels are not kept."""
        return {}

    def rows(self) -> list[dict[str, Any]]:
        """Return the overlap, the pixels and the measures of each case; a size error above 0 means too large."""
        pixels = {
            "true_pixels": self.confusions[:, 1:].sum((1, 2)),
            "predicted_pixels": self.confusions[:, :, 1:].sum((1, 2)),
        }
        structures = {f"dice/{label}": values for label, values in self._dice_of_structures().items()}
        values_of = scores.case_scores(self.confusions) | structures | self._measures()
        return [
            {name: int(values[index]) for name, values in pixels.items()}
            | {name: rounded(values[index]) for name, values in values_of.items()}
            for index in range(len(self.confusions))
        ]

    def details(self) -> dict[str, Any]:
        """Return the fields of the record that only this task has."""
        return {
            "empty_cases": _empty_cases(self.confusions),
            "confusion": self.confusions.sum(axis=0).tolist(),
            "threshold": self.task.threshold if self.task.is_binary else None,
            "distances": {"rule": distances.DISTANCE_RULE, **_undefined(self.confusions, self.task.labels)},
        }

    @cached_property
    def _main_labels(self) -> np.ndarray | None:
        return scores.main_labels(self.confusions)

    def _auc_of_shares(self, weights: np.ndarray) -> np.ndarray:
        """Return the mean over the true labels of the AUC `(draws,)` of the cases with foreground."""
        true = self.confusions[:, 1:].sum(-1) > 0
        shown = true.any(1)
        if self.masses is None:
            return np.full(len(weights), np.nan)
        masses = self.masses[shown, 1:]
        shares = masses / np.maximum(masses.sum(1, keepdims=True), np.finfo(float).tiny)
        labels = np.flatnonzero(true.any(0))
        of_labels = [ranking_areas(shares[:, label], true[shown, label], weights[:, shown])[0] for label in labels]
        return np.mean(of_labels, axis=0)

    def _measures(self) -> dict[str, np.ndarray]:
        names = dict.fromkeys(name for measures in self.measures for name in measures)
        return {name: np.array([measures.get(name, np.nan) for measures in self.measures]) for name in names}

    def _dice_of_structures(self) -> dict[str, np.ndarray]:
        """Return the Dice of each case `(cases,)` by label, NaN where the label is absent; none with a single label."""
        if self.task.is_binary:
            return {}
        dice = np.where(self.confusions.sum(-1) > 0, scores.dice(self.confusions), np.nan)
        return {label: dice[:, index] for index, label in enumerate(self.task.labels) if index}


def true_mask(task: Task, samples: Samples, index: int) -> np.ndarray:
    """Return the label indices of one image at full size, as displayed, in the labels of the task."""
    mask = samples.targets[index].mask(None)
    return foreground(mask, len(samples.labels)) if task.merges_foreground(samples.labels) else mask


def without_ignored(true: np.ndarray, predicted: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return both masks with background in place of the ignored pixels of the true one, and the number of these."""
    ignored = ignored_pixels(true, labels)
    if not ignored.any():
        return true, predicted, 0
    return np.where(ignored, 0, true), np.where(ignored, 0, predicted), int(ignored.sum())


def _empty_cases(confusions: np.ndarray) -> dict[str, Any]:
    empty = confusions[confusions[:, 1:].sum((1, 2)) == 0]
    false_positives = empty[:, :, 1:].sum((1, 2))
    predicted_empty = int((false_positives == 0).sum())
    return {
        "rule": scores.EMPTY_RULE,
        "cases": len(empty),
        "predicted_empty": predicted_empty,
        "specificity": rounded(predicted_empty / len(empty)) if len(empty) else None,
        "false_positive_pixels": int(false_positives.sum()),
    }


def _undefined(confusions: np.ndarray, labels: Iterable[str]) -> dict[str, dict[str, int]]:
    """Count, for every foreground label, the cases in which the true mask, the predicted one, or both lack it."""
    true, predicted = confusions.sum(-1) > 0, confusions.sum(-2) > 0
    counts = {"missed": true & ~predicted, "invented": ~true & predicted, "absent": ~true & ~predicted}
    return {
        name: {label: int(cases[:, index].sum()) for index, label in enumerate(labels) if index}
        for name, cases in counts.items()
    }
