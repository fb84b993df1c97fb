"""One label for an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medzoo.task.base import Labelled

# Smaller probabilities have no finite logarithm in float32.
_LEAST = 1e-7


@dataclass(frozen=True)
class Classification(Labelled):
    """Give every image one of `labels`.

    Two labels make one sigmoid output, the probability of the second; more make one softmax output each. A target is
    the index of a label.

    Args:
        labels: Names in the order of their index; of two the second is the positive one.
        threshold: Probability from which on an image counts as positive; used with two labels only. It speaks of
            calibrated probabilities.
        temperature: Divisor of the logits that makes confidences agree with frequencies; `medzoo.calibrate` fits it.

    Raises:
        ValueError: Fewer than two labels or more than 256, a name twice, a threshold outside (0, 1), or a temperature
            that is not above 0.

    Example:
        >>> Classification(labels=("benign", "malignant")).outputs
        1
    """

    labels: tuple[str, ...] = ("negative", "positive")
    temperature: float = 1.0

    name = "classification"
    pipeline_tag = "image-classification"
    default_loss = "crossentropy"
    losses = ("crossentropy", "focal")
    default_metrics = ("accuracy", "balanced_accuracy")
    metrics = ("accuracy", "auc", "balanced_accuracy")
    monitor = "val_balanced_accuracy"
    main_score = "balanced_accuracy"
    usage = "result.label, result.confidence, result.probabilities"
    is_dense = False
    is_categorical = True
    target_dtype = np.int32
    _FIRST = "label_0"

    def __post_init__(self):
        self._check("of two the positive one last", ("benign", "malignant"))
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"`temperature` must be above 0. Received: temperature={self.temperature}.")

    def calibrated(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs of the network `(..., outputs)` into the probabilities of all labels `(..., labels)`.

        Source: Guo et al., "On calibration of modern neural networks", 2017 (arXiv 1706.04599).
        """
        both = np.concatenate([1 - outputs, outputs], axis=-1) if self.is_binary else outputs
        if self.temperature == 1:
            return both
        logits = np.log(np.clip(both.astype(np.float64), _LEAST, 1)) / self.temperature
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return (powers / powers.sum(axis=-1, keepdims=True)).astype(np.float32)

    def decide(self, outputs: np.ndarray) -> np.ndarray:
        """Turn outputs of the network `(..., outputs)` into label indices `(...)` of type uint8."""
        probabilities = self.calibrated(outputs)
        if self.is_binary:
            return (probabilities[..., 1] >= self.threshold).astype(np.uint8)
        return np.argmax(probabilities, axis=-1).astype(np.uint8)

    def uncalibrated(self) -> Classification:
        """Return the task with its default threshold and temperature."""
        return replace(self, threshold=Classification.threshold, temperature=Classification.temperature)

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse the labels of a data set that are not this task's, in its order.

        Raises:
            ValueError: The labels differ.
        """
        if tuple(labels) != self.labels:
            raise ValueError(
                f"The data has the labels {tuple(labels)}, the model {self.labels}. Give them the model's names and "
                "order, for example medzoo.data.read(path, labels=[...])."
            )
