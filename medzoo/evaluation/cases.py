"""What evaluation, comparison and Grad-CAM ask of the module of a task, and what these modules share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from medzoo.evaluation.intervals import Statistic

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.task import Task


class Cases(Protocol):
    """The answers of a model and the truth.

    Attributes:
        shown: Scores in the table of a cross-validation; with two labels those of the second.
        compared: Scores in the table of estimators; the first one orders it.
    """

    shown: ClassVar[tuple[str, ...]]
    compared: ClassVar[tuple[str, ...]]

    @property
    def task(self) -> Task:
        """The task of the model."""
        ...

    @classmethod
    def collect(cls, task: Any, samples: Samples, predictions: Iterable[Any]) -> Self:
        """Put the answers beside the targets of the samples."""
        ...

    @staticmethod
    def pooled(task: Any, rows: Sequence[dict[str, Any]]) -> Statistic:
        """Return the statistic of rows as `rows` returns them; it may lack scores that need more than these."""
        ...

    @staticmethod
    def explained(task: Any, index: int | None, answers: np.ndarray) -> tuple[int, float, np.ndarray]:
        """Return the label that Grad-CAM explains, from the answers for all inputs of one scan.

        Args:
            task: The task of the model.
            index: Index of a label; None for the predicted one.
            answers: Outputs `(inputs, outputs)`, or the label of each pixel `(inputs, *size)`.

        Returns:
            Index of the label, its score, and the weight of each answer `(inputs,)` or pixel `(inputs, *size)`.
        """
        ...

    def statistic(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Return every score `(draws,)` under weights `(draws, cases)`."""
        ...

    def per_case(self) -> dict[str, np.ndarray]:
        """Return by name the scores that single cases have `(cases,)`; NaN for a case without one."""
        ...

    def joined(self, other: Self) -> Self:
        """Return the cases as this model answered them, then as the other model did."""
        ...

    def rankings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return, by the name of each ROC AUC, the ranks of the cases and which of them are positive, `(cases,)`."""
        ...

    def rows(self) -> list[dict[str, Any]]:
        """Return the fields of each case in the record."""
        ...

    def details(self) -> dict[str, Any]:
        """Return the fields of the record that only this task has."""
        ...


def stack_outputs(samples: Samples, predictions: Iterable[Any]) -> np.ndarray:
    """Return the outputs `(cases, outputs)` of the predictions of the samples, in the same order.

    Raises:
        ValueError: An output is not finite; the message names its image.
    """
    outputs = np.stack([prediction.outputs for prediction in predictions])
    refuse_infinite(samples, outputs.sum(axis=1), "the model answers")
    return outputs


def refuse_infinite(samples: Samples, values: np.ndarray, what: str) -> None:
    """Refuse values `(cases,)` that are not finite.

    Raises:
        ValueError: One is not; the message names its image.
    """
    for index in np.flatnonzero(~np.isfinite(values))[:1]:
        raise ValueError(
            f"{samples.sources[index]}: {what} {values[index]}, which is no number. Leave the image out, or check its "
            "pixels and its target with: medzoo audit DIR"
        )
