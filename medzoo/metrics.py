"""Metrics that Keras does not have, for the progress of a training. Scores for a card come from `medzoo.evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.errors import refuse_unknown
from medzoo.losses import counted_pixels, one_hot_labels, with_label_axis, with_pixel_axes, without_ignored
from medzoo.recipe.values import REGISTERED, registered


def _hard_labels(y_pred: KerasTensor, threshold: float) -> KerasTensor:
    outputs = y_pred.shape[-1]
    if outputs == 1:
        return ops.cast(y_pred >= threshold, "float32")
    return ops.one_hot(ops.argmax(y_pred, axis=-1), outputs)


@keras.saving.register_keras_serializable("medzoo")
class Dice(keras.metrics.Metric):
    """Dice of the decided pixels, counted over all images together, averaged over the foreground labels.

    Takes `y_true` `(batch, height, width, 1)`, label indices of any number type, and `y_pred`
    `(batch, height, width, outputs)`, probabilities. Pixels of 255 are ignored. Without any foreground, true or
    predicted, it is 1.

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
        y_true = ops.convert_to_tensor(y_true)
        counted = counted_pixels(y_true, self.outputs)
        y_true = ops.cast(one_hot_labels(without_ignored(y_true, counted), self.outputs), "float32")
        y_pred = _hard_labels(ops.convert_to_tensor(y_pred), self.threshold)
        if counted is not None:
            y_true, y_pred = ops.where(counted, y_true, 0), ops.where(counted, y_pred, 0)
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


class _Confusion(keras.metrics.Metric):
    """Cases counted by true and decided label.

    Takes `y_true` `(batch, 1)` or `(batch,)`, label indices, or `(batch, outputs)`, shares of labels as mixup makes
    them, of which the largest counts; Keras's own accuracies take only one of the two.

    Args:
        outputs: Number of outputs of the network.
        threshold: Probability from which on a case is positive; used with one output only.
    """

    def __init__(self, outputs: int = 1, threshold: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        self.outputs = outputs
        self.threshold = threshold
        labels = max(2, outputs)
        self.counts = self.add_weight(shape=(labels, labels), name="counts", dtype="float32", initializer="zeros")

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Count the cases of a batch, each with its weight."""
        true = self._one_hot(with_label_axis(ops.convert_to_tensor(y_true), y_pred), 0.5)
        decided = self._one_hot(ops.convert_to_tensor(y_pred), self.threshold)
        if sample_weight is not None:
            true = true * ops.reshape(ops.cast(sample_weight, "float32"), (-1, 1))
        self.counts.assign_add(ops.matmul(ops.transpose(true), decided))

    def _one_hot(self, values: KerasTensor, threshold: float) -> KerasTensor:
        if self.outputs == 1:
            index = ops.cast(ops.cast(values[..., 0], "float32") >= threshold, "int32")
        else:
            index = ops.cast(values[..., 0], "int32") if values.shape[-1] == 1 else ops.argmax(values, axis=-1)
        return ops.one_hot(index, max(2, self.outputs), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), "outputs": self.outputs, "threshold": self.threshold}


@keras.saving.register_keras_serializable("medzoo")
class Accuracy(_Confusion):
    """Share of the cases with the right label."""

    def result(self) -> KerasTensor:
        """Return the accuracy so far, a scalar."""
        return ops.trace(self.counts) / ops.maximum(ops.sum(self.counts), 1e-7)


@keras.saving.register_keras_serializable("medzoo")
class BalancedAccuracy(_Confusion):
    """Mean over the labels that occur of the share of their cases with the right label."""

    def result(self) -> KerasTensor:
        """Return the balanced accuracy so far, a scalar."""
        cases = ops.sum(self.counts, axis=1)
        recall = ops.diagonal(self.counts) / ops.maximum(cases, 1e-7)
        return ops.sum(recall) / ops.maximum(ops.sum(ops.cast(cases > 0, "float32")), 1.0)


@keras.saving.register_keras_serializable("medzoo")
class PixelAccuracy(keras.metrics.Mean):
    """Share of the pixels with the right label.

    Takes what `Dice` takes; Keras's own accuracies would count pixels of 255, which are ignored.

    Args:
        outputs: Number of output channels of the network.
        threshold: Probability from which on a pixel counts as foreground; used with one output only.
    """

    def __init__(self, outputs: int = 1, threshold: float = 0.5, name: str = "pixel_accuracy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.outputs = outputs
        self.threshold = threshold

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Count the pixels of a batch, each with its weight `(batch, height, width)`."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        sample_weight = with_pixel_axes(sample_weight, len(y_pred.shape) - 1)
        counted = counted_pixels(y_true, self.outputs)
        decided = y_pred[..., 0] >= self.threshold if self.outputs == 1 else ops.argmax(y_pred, axis=-1)
        right = ops.cast(y_true[..., 0], "int32") == ops.cast(decided, "int32")
        if counted is not None:
            counted = ops.cast(counted[..., 0], "float32")
            sample_weight = counted if sample_weight is None else counted * ops.cast(sample_weight, "float32")
        super().update_state(ops.cast(right, "float32"), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {**super().get_config(), "outputs": self.outputs, "threshold": self.threshold}


def _r2(outputs: int, threshold: float | None) -> keras.metrics.Metric:
    return keras.metrics.R2Score(name="r2")


def _mae(outputs: int, threshold: float | None) -> keras.metrics.Metric:
    return keras.metrics.MeanAbsoluteError(name="mae")


@keras.saving.register_keras_serializable("medzoo")
class AUC(keras.metrics.AUC):
    """Area under the ROC curve at 1,000 thresholds; of three or more labels the mean of each against all others.

    Takes what `Accuracy` takes. A label that does not occur counts as 0 in the mean.

    Args:
        outputs: Number of outputs of the network.
        threshold: Not used; every metric here is made with it.
    """

    def __init__(self, outputs: int = 1, threshold: float | None = None, name: str = "auc", **kwargs: Any):
        super().__init__(num_thresholds=1000, multi_label=outputs > 1, name=name, **kwargs)
        self.outputs = outputs

    def update_state(self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None) -> None:
        """Count the cases of a batch, each with its weight."""
        y_true = ops.cast(with_label_axis(ops.convert_to_tensor(y_true), y_pred), "float32")
        if self.outputs > 1:
            index = y_true[..., 0] if y_true.shape[-1] == 1 else ops.argmax(y_true, axis=-1)
            y_true = ops.one_hot(ops.cast(index, "int32"), self.outputs)
        super().update_state(ops.cast(y_true >= 0.5, "float32"), y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {"outputs": self.outputs, "name": self.name, "dtype": self.dtype}


METRICS: dict[str, Callable[..., keras.metrics.Metric]] = {
    "accuracy": partial(Accuracy, name="accuracy"),
    "auc": AUC,
    "balanced_accuracy": partial(BalancedAccuracy, name="balanced_accuracy"),
    "dice": Dice,
    "mae": _mae,
    "pixel_accuracy": PixelAccuracy,
    "r2": _r2,
}


def make_metrics(names: tuple[str, ...], outputs: int, threshold: float | None) -> list[keras.metrics.Metric]:
    """Make metrics from their names for a network with `outputs` outputs; a user's own class is made without arguments.

    Raises:
        ValueError: A name is unknown.
    """
    own = [name for name in names if REGISTERED.accepts(name)]
    refuse_unknown("metric", [name for name in names if name not in own], METRICS)
    return [
        registered(name)() if name in own else METRICS[name](outputs=outputs, threshold=threshold) for name in names
    ]
