"""Scores of numbers: how far the answers lie from the truth, and how well both agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from medzoo.evaluation.cases import refuse_infinite, stack_outputs
from medzoo.evaluation.intervals import Statistic
from medzoo.evaluation.tables import rounded

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.task import Regression

# 95 % of a normal distribution lie within so many standard deviations of its mean.
DEVIATIONS = 1.96

# Rounding leaves equal values a variance of up to this share of the squared range of all values.
_NOTHING = 1e-12


@dataclass(frozen=True, eq=False)
class RegressionCases:
    """The answers of a regression model and the truth.

    Args:
        task: The task of the model.
        true: True values `(cases,)`.
        predicted: Predicted values `(cases,)`.
    """

    task: Regression
    true: np.ndarray
    predicted: np.ndarray

    shown: ClassVar[tuple[str, ...]] = ("r2", "mae", "rmse", "pearson", "mape")
    compared: ClassVar[tuple[str, ...]] = shown

    @classmethod
    def collect(cls, task: Regression, samples: Samples, predictions: Iterable[Any]) -> RegressionCases:
        """Put the answers beside the targets of the samples.

        Raises:
            ValueError: A target or an answer is no number; the message names its image.
        """
        true = np.array(samples.targets, np.float64)
        refuse_infinite(samples, true, "the target is")
        return cls(task, true, task.decode(stack_outputs(samples, predictions)))

    @staticmethod
    def pooled(task: Regression, rows: Sequence[dict[str, Any]]) -> Statistic:
        """Return the statistic of rows of records."""
        true, predicted = (np.array([row[name] for row in rows], np.float64) for name in ("true", "predicted"))
        return RegressionCases(task, true, predicted).statistic

    @staticmethod
    def explained(task: Regression, index: int | None, answers: np.ndarray) -> tuple[int, float, np.ndarray]:
        """Return the only index, the value, and equal weights."""
        return 0, float(task.decode(answers.mean(axis=0))), np.ones(len(answers))

    def statistic(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every score `(draws,)` under weights `(draws, cases)`, all from sums over cases.

        `r2`, `mae`, `rmse`, `pearson`, `mape` in percent, and after Bland and Altman `bias`, the mean of predicted
        minus true, and `lower_limit` and `upper_limit` of agreement. `r2` and `pearson` are NaN where the truth is
        constant, `mape` where a true value is 0.
        """
        error = self.predicted - self.true
        count = weights.sum(axis=1)
        bias, squared = weights @ error / count, weights @ error**2 / count
        spread = DEVIATIONS * np.sqrt(_ratio(count * _variance(weights, error), count - 1))
        variance = _variance(weights, self.true)
        deviations = np.sqrt(variance * _variance(weights, self.predicted))
        covariance = _covariance(weights, self.true, self.predicted)
        return {
            "r2": 1 - _ratio(squared, variance),
            "mae": weights @ np.abs(error) / count,
            "rmse": np.sqrt(squared),
            "pearson": _ratio(covariance, deviations),
            "mape": 100 * weights @ self._relative_error / count,
            "bias": bias,
            "lower_limit": bias - spread,
            "upper_limit": bias + spread,
        }

    def per_case(self) -> dict[str, np.ndarray]:
        """Return the absolute error of each case `(cases,)` under the name of its mean; models are compared by it."""
        return {"mae": np.abs(self.predicted - self.true)}

    def joined(self, other: RegressionCases) -> RegressionCases:
        """Return the cases as this model answered them, then as the other model did."""
        true, predicted = np.append(self.true, other.true), np.append(self.predicted, other.predicted)
        return replace(self, true=true, predicted=predicted)

    def rankings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return none: numbers have no ROC curve."""
        return {}

    def rows(self) -> list[dict[str, Any]]:
        """Return `true`, `predicted` and `error` of each case."""
        return [
            {"true": rounded(true), "predicted": rounded(predicted), "error": rounded(predicted - true)}
            for true, predicted in zip(self.true, self.predicted, strict=True)
        ]

    def details(self) -> dict[str, Any]:
        """Return the fields of the record that only this task has."""
        return {"unit": self.task.unit}

    @cached_property
    def _relative_error(self) -> np.ndarray:
        if not self.true.all():
            return np.full(len(self.true), np.nan)
        return np.abs((self.predicted - self.true) / self.true)


def _covariance(weights: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # Relative to one of the values, so that large ones do not cancel.
    first, second = first - first[0], second - second[0]
    count = weights.sum(axis=1)
    return weights @ (first * second) / count - (weights @ first / count) * (weights @ second / count)


def _variance(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    variance = _covariance(weights, values, values)
    return np.where(variance > _NOTHING * np.ptp(values) ** 2, variance, 0)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
