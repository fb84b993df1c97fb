"""One number for one scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.inference.prediction import Prediction
from medzoo.preprocessing.answers import average
from medzoo.preprocessing.windows import Windows

if TYPE_CHECKING:
    from medzoo.task import Regression


class ValuePrediction(Prediction):
    """The number that a regression model gives a scan.

    Args:
        windows: Which inputs were made of the scan.
        task: The model's task.
        answer: Output of the network `(inputs, 1)`; several inputs of one scan are averaged.

    Attributes:
        outputs: What the network answered, `(1,)`, in deviations from the mean of the training targets.
        value: The number in its unit.
    """

    task: Regression

    def __init__(self, windows: Windows, task: Regression, answer: np.ndarray):
        super().__init__(windows.scan, task)
        self.outputs = average([*answer])
        self.value = float(task.decode(self.outputs))

    @property
    def summary(self) -> str:
        """The number with its name and unit."""
        return f"{self.task.target} {self.value:.4g}{f' {self.task.unit}' if self.task.unit else ''}"

    def to_json(self) -> dict[str, Any]:
        """Return the number, its name and its unit."""
        return {
            "source": self.source,
            "task": self.task.name,
            "target": self.task.target,
            "value": round(self.value, 6),
            "unit": self.task.unit,
        }
