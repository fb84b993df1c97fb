"""Metrics that Keras does not have, for the progress of a training. Scores for a card come from `medzoo.evaluate`."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.errors import refuse_unknown
from medzoo.losses import one_hot_labels


def _hard_labels(y_pred: KerasTensor, threshold: float) -> KerasTensor:
    outputs = y_pred.shape[-1]
    if outputs == 1:
        return ops.cast(y_pred >= threshold, "float32")
    return ops.one_hot(ops.argmax(y_pred, axis=-1), outputs)


@keras.saving.register_keras_serializable("medzoo")
class Dice(keras.metrics.Metric):
    """Dice of the decided pixels, counted over all images together, averaged over the foreground labels.

    Takes `y_true` `(batch, height, width, 1)`, label indices of any number type, and `y_pred`
    `(batch, height, width, outputs)`, probabilities. Without any foreground, true or predicted, it is 1.

    Args:
        outputs: Number of output channels of the network.
        threshold: Probability from which on a pixel counts as foreground; used with one output only.
    """

    def __init__(self, outputs: int = 1, threshold: float = 0.5, name: str = "dice", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.outputs = outputs
        self.threshold = threshold
        labels = max(1, outputs - 1)
        self.both = self.add_weight(shape=(labels,), name="both", dtype="float32", initializer="zeros")
        self.total = self.add_weight(shape=(labels,), name="total", dtype="float32", initializer="zeros")

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Count the pixels of a batch; pixel weights are refused, since Dice has no agreed weighted form."""
        if sample_weight is not None:
            raise ValueError("Dice takes no sample weights. Compile it under `metrics`, not `weighted_metrics`.")
        y_true = ops.cast(one_hot_labels(ops.convert_to_tensor(y_true), self.outputs), "float32")
        y_pred = _hard_labels(ops.convert_to_tensor(y_pred), self.threshold)
        if self.outputs > 1:
            y_true, y_pred = y_true[..., 1:], y_pred[..., 1:]
        axes = tuple(range(len(y_pred.shape) - 1))
        self.both.assign_add(ops.sum(y_true * y_pred, axis=axes))
        self.total.assign_add(ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes))

    def result(self) -> KerasTensor:
        """Return the Dice so far, a scalar."""
        return ops.mean(ops.where(self.total > 0, 2 * self.both / ops.maximum(self.total, 1.0), 1.0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), "outputs": self.outputs, "threshold": self.threshold}


def _pixel_accuracy(outputs: int, threshold: float) -> keras.metrics.Metric:
    if outputs == 1:
        return keras.metrics.BinaryAccuracy(name="pixel_accuracy", threshold=threshold)
    return keras.metrics.SparseCategoricalAccuracy(name="pixel_accuracy")


METRICS = {"dice": Dice, "pixel_accuracy": _pixel_accuracy}


def make_metrics(names: tuple[str, ...], outputs: int, threshold: float) -> list[keras.metrics.Metric]:
    """Make metrics of their names for a network with so many outputs.

    Raises:
        ValueError: A name is unknown.
    """
    refuse_unknown("metric", names, METRICS)
    return [METRICS[name](outputs=outputs, threshold=threshold) for name in names]
