"""One label for one scan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.inference.prediction import Prediction
from medzoo.preprocessing.answers import average
from medzoo.preprocessing.windows import Windows

if TYPE_CHECKING:
    from medzoo.task import Classification


class ClassPrediction(Prediction):
    """The label that a classification model gives a scan.

    Args:
        windows: Which inputs were made of the scan.
        task: The model's task.
        answer: Output of the network `(inputs, outputs)`; several inputs of one scan are averaged.

    Attributes:
        outputs: What the network answered, `(outputs,)`, before calibration.
        probabilities: Calibrated probability of each label, `(labels,)`.
        index: Index of the label.
    """

    task: Classification

    def __init__(self, windows: Windows, task: Classification, answer: np.ndarray):
        super().__init__(windows.scan, task)
        self.outputs = average([*answer])
        self.probabilities = task.calibrated(self.outputs)
        self.index = int(task.decide(self.outputs))

    @property
    def label(self) -> str:
        """Name of the label."""
        return self.task.labels[self.index]

    @property
    def confidence(self) -> float:
        """Calibrated probability of the label."""
        return float(self.probabilities[self.index])

    @property
    def summary(self) -> str:
        """The label and its confidence."""
        return f"{self.label} ({self.confidence:.0%})"

    def to_json(self) -> dict[str, Any]:
        """Return label, confidence and the probability of every label."""
        values = (round(float(value), 4) for value in self.probabilities)
        return {
            "source": self.source,
            "task": self.task.name,
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "probabilities": dict(zip(self.task.labels, values, strict=True)),
        }
