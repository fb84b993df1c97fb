"""Calibrate the probabilities of a classifier, and choose its threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.evaluate import collect
from medzoo.evaluation.tables import align, number, rounded
from medzoo.evaluation.validation.calibration import YOUDEN, choose_threshold, fit_temperature

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.inference.model import RecipeModel
    from medzoo.task import Classification, Task
    from medzoo.zoo_model import ZooModel


KEPT = "The temperature stays as it was: a fitted one would make the calibration error (ece) of these cases larger."


@dataclass(frozen=True, eq=False)
class Calibration:
    """A fitted task beside the one before; as text a table of their scores.

    Args:
        before: The cases that it was fitted on, with the task before.
        task: The new task.
    """

    before: ClassificationCases
    task: Classification

    def __str__(self) -> str:
        both = self.before, replace(self.before, task=self.task)
        scores = [cases.statistic(np.ones((1, len(cases.true)))) for cases in both]
        names = ("ece", "log_loss", "brier", "accuracy", *(f"recall/{label}" for label in self.task.labels))
        rows: list[tuple[str, list[float | None]]] = [("temperature", [cases.task.temperature for cases in both])]
        rows += [("threshold", [cases.task.threshold for cases in both])] if self.task.is_binary else []
        rows += [(name, [rounded(score[name][0]) for score in scores]) for name in names]
        table = align([("", "before", "after"), *((name, *map(number, values)) for name, values in rows)])
        kept = self.task.temperature == self.before.task.temperature
        return "\n".join([*table, *(["", KEPT] if kept else [])])


def calibrate(
    model: ZooModel | RecipeModel,
    samples: Samples,
    recall: float | None = None,
    youden: bool = False,
    batch_size: int = 8,
) -> Classification:
    """Fit the temperature of a classifier, and choose its threshold, on validation data.

    A network is usually more confident than it is right. Dividing its logits by a temperature mends that and changes no
    decision. With two labels, a recall or Youden's rule then moves the threshold, which does change decisions.

    Args:
        model: A classification model. It gets a recipe with the new task, and loses its evaluation, which was of the
            old task.
        samples: Images for neither training nor testing: the validation part.
        recall: Share of the positive cases to find: the threshold becomes the highest that finds them.
        youden: Whether to choose the threshold with the largest sum of recall and specificity.
        batch_size: Images in one step.

    Returns:
        The new task, with its `temperature` and `threshold`.

    Raises:
        ValueError: The model is no classifier, it has more than two labels and so no threshold to choose, both rules
            are set, or only one label occurs.

    Example:
        >>> medzoo.calibrate(model, valid, recall=0.9).temperature
        1.62
    """
    task = fit_calibration(model, samples, recall, youden, batch_size).task
    adopt_task(model, task)
    return task


def fit_calibration(
    model: ZooModel | RecipeModel,
    samples: Samples,
    recall: float | None = None,
    youden: bool = False,
    batch_size: int = 8,
) -> Calibration:
    """Do what `calibrate` does, but leave the model as it is; `adopt_task` gives it the new task.

    Raises:
        ValueError: As `calibrate`.

    Example:
        >>> print(fit_calibration(model, valid, youden=True))
    """
    # Before the samples are predicted, which takes long.
    check_rule(model.task, recall, youden)
    before = collect_cases(model, samples, batch_size)
    return Calibration(before, fit_task(before, recall, youden))


def collect_cases(model: ZooModel | RecipeModel, samples: Samples, batch_size: int = 8) -> ClassificationCases:
    """Predict the samples with a classifier.

    Raises:
        ValueError: The model is no classifier.
    """
    if not model.task.is_categorical:
        raise ValueError(f"Only a classifier has probabilities to calibrate; this model is for {model.task.name}.")
    # A task with categories has these cases; see `CASES`.
    return cast("ClassificationCases", collect(model, samples, batch_size))


def fit_task(cases: ClassificationCases, recall: float | None = None, youden: bool = False) -> Classification:
    """Return the task of the cases with a fitted temperature and, if there is a rule, a chosen threshold.

    A temperature makes the true labels likelier, but a few cases may make the calibration error larger by it; then the
    temperature stays as it was.

    Raises:
        ValueError: As `calibrate`.
    """
    check_rule(cases.task, recall, youden)
    rule = YOUDEN if youden else recall
    task = fit_temperature(cases.task, cases.outputs, cases.true)
    if _calibration_error(replace(cases, task=task)) > _calibration_error(cases):
        task = cases.task
    if rule is None:
        return task
    return replace(task, threshold=choose_threshold(task.calibrated(cases.outputs)[:, 1], cases.true == 1, rule))


def check_rule(task: Task, recall: float | None, youden: bool) -> None:
    """Refuse a rule for the threshold of a model that has none.

    Raises:
        ValueError: As `calibrate`.
    """
    if youden and recall is not None:
        raise ValueError("Choose the threshold by a recall or by Youden's rule, not by both.")
    if (youden or recall is not None) and task.is_categorical and not task.is_binary:
        raise ValueError(
            f"A threshold belongs to two labels; this model has {len(task.labels)} and takes the likeliest. "
            "Leave out recall and youden."
        )


def _calibration_error(cases: ClassificationCases) -> float:
    return float(cases.statistic(np.ones((1, len(cases.true))))["ece"][0])


def adopt_task(model: ZooModel | RecipeModel, task: Task) -> None:
    """Give a model another task of the same labels; an evaluation of the old one is dropped."""
    model.recipe = replace(model.recipe, task=task)
    model.evaluation = None
