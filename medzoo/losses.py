"""Losses that Keras does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.recipe import Loss
from medzoo.recipe.values import registered
from medzoo.task.segmentation import IGNORED


def one_hot_labels(y_true: KerasTensor, outputs: int) -> KerasTensor:
    """Turn label indices `(..., 1)` into `(..., outputs)`; binary masks stay as they are.

    Raises:
        ValueError: The last axis is not 1, which would broadcast against predictions without notice.
    """
    if y_true.shape[-1] not in (1, None):
        raise ValueError(
            "Masks must be label indices of shape (batch, height, width, 1), labels of shape (batch, 1). "
            f"Received: shape={tuple(y_true.shape)}. Write mask[..., None], or for one-hot masks "
            "mask.argmax(-1)[..., None]."
        )
    if outputs == 1:
        return y_true
    return ops.one_hot(ops.cast(y_true[..., 0], "int32"), outputs)


def counted_pixels(y_true: KerasTensor, outputs: int) -> KerasTensor | None:
    """Return which pixels of masks `(batch, ..., 1)` have a label, bool in the same shape; None where all have.

    A pixel of 255 is ignored, see `medzoo.task.segmentation`; labels of images `(batch, 1)` never are.
    """
    if len(y_true.shape) < 3 or outputs > IGNORED or keras.backend.standardize_dtype(y_true.dtype) == "bool":
        return None
    return y_true != ops.cast(IGNORED, y_true.dtype)


def without_ignored(y_true: KerasTensor, counted: KerasTensor | None) -> KerasTensor:
    """Return label indices with 0 where they do not count, since torch refuses indices that no output has."""
    return y_true if counted is None else ops.where(counted, y_true, ops.zeros_like(y_true))


def _mean_of_counted(values: KerasTensor, counted: KerasTensor | None) -> KerasTensor:
    """Set ignored pixels to 0 and scale the others, so that the mean of all is that of the counted ones."""
    if counted is None:
        return values
    number = ops.sum(ops.cast(counted, "float32"))
    size = ops.cast(ops.size(counted), "float32")
    return ops.where(counted[..., 0], values, 0) * ops.cast(size / ops.maximum(number, 1.0), values.dtype)


@keras.saving.register_keras_serializable("medzoo")
class DiceCrossEntropy(keras.losses.Loss):
    """Sum of the soft Dice loss over the batch and the mean cross-entropy.

    The Dice part counts the pixels of the whole batch together, so that an image without foreground is no special
    case. With several labels it is the mean over the foreground labels.

    Call with `y_true` `(batch, height, width, 1)`, label indices of any number type, and `y_pred`
    `(batch, height, width, outputs)`, probabilities. Sample weights, `(batch, height, width)` or `(batch, 1, 1)`,
    weight the pixels of the cross-entropy; the Dice part is multiplied by their mean. Pixels of 255 are ignored.

    Args:
        smoothing: Pixels added to both halves of the Dice fraction.

    Source: Drozdzal et al., 2016 (arXiv 1608.04117); the sum with cross-entropy as in nnU-Net (arXiv 1809.10486).
    """

    def __init__(self, smoothing: float = 1.0, name: str = "dice_crossentropy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.smoothing = smoothing

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """Return the cross-entropy `(batch, height, width)` plus the one Dice loss of the batch."""
        outputs = y_pred.shape[-1]
        counted = counted_pixels(y_true, outputs)
        y_true = ops.cast(one_hot_labels(without_ignored(y_true, counted), outputs), y_pred.dtype)
        if outputs == 1:
            # torch refuses NaN here; through the Dice part it reaches the loss, where training looks for it.
            entropy = keras.losses.binary_crossentropy(y_true, ops.nan_to_num(y_pred, nan=0.5))
        else:
            entropy = keras.losses.categorical_crossentropy(y_true, y_pred)
            y_true, y_pred = y_true[..., 1:], y_pred[..., 1:]
        if counted is not None:
            y_true, y_pred = ops.where(counted, y_true, 0), ops.where(counted, y_pred, 0)
        axes = tuple(range(len(y_pred.shape) - 1))
        both = ops.sum(y_true * y_pred, axis=axes)
        total = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
        dice = (2 * both + self.smoothing) / (total + self.smoothing)
        return _mean_of_counted(entropy + 1 - ops.mean(dice), counted)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "smoothing": self.smoothing}


@keras.saving.register_keras_serializable("medzoo")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy of label indices, with label smoothing, and focal where easy cases should count less.

    Call with `y_true` `(batch, ..., 1)`, label indices of any number type, or `(batch, outputs)`, the share of each
    label as mixup makes it, and `y_pred` `(batch, ..., outputs)`, probabilities. Pixels of 255 are ignored.

    Args:
        label_smoothing: Share of the truth that is spread evenly over all labels.
        gamma: Exponent of the focal factor; 0 for plain cross-entropy.

    Source: Lin et al., "Focal loss for dense object detection", 2017 (arXiv 1708.02002); Szegedy et al., 2015 (arXiv
        1512.00567) for label smoothing.
    """

    def __init__(self, label_smoothing: float = 0.0, gamma: float = 0.0, name: str = "crossentropy", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing
        self.gamma = gamma

    def call(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        """Return the cross-entropy of every case or pixel, `(batch, ...)`."""
        counted = counted_pixels(y_true, y_pred.shape[-1]) if y_true.shape[-1] == 1 else None
        y_true = ops.cast(_label_shares(without_ignored(y_true, counted), y_pred.shape[-1]), y_pred.dtype)
        return _mean_of_counted(self._entropy(y_true, y_pred), counted)

    def _entropy(self, y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
        arguments = {"label_smoothing": self.label_smoothing}
        if y_pred.shape[-1] == 1:
            # torch refuses NaN here; `nan * 0` hands it on to the loss, where training looks for it.
            finite = ops.nan_to_num(y_pred, nan=0.5)
            broken = ops.sum(y_pred - finite, axis=-1)
            if self.gamma:
                return broken + keras.losses.binary_focal_crossentropy(y_true, finite, gamma=self.gamma, **arguments)
            return broken + keras.losses.binary_crossentropy(y_true, finite, **arguments)
        if self.gamma:
            arguments |= {"gamma": self.gamma, "alpha": 1.0}
            return keras.losses.categorical_focal_crossentropy(y_true, y_pred, **arguments)
        return keras.losses.categorical_crossentropy(y_true, y_pred, **arguments)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "gamma": self.gamma}


def _label_shares(y_true: KerasTensor, outputs: int) -> KerasTensor:
    """Turn label indices `(..., 1)` into `(..., outputs)`; shares of labels `(..., outputs)` stay as they are."""
    return y_true if y_true.shape[-1] == outputs else one_hot_labels(y_true, outputs)


def _focal(gamma: float = 2.0, **arguments: Any) -> CrossEntropy:
    return CrossEntropy(gamma=gamma, name="focal", **arguments)


LOSSES = {
    "crossentropy": CrossEntropy,
    "dice_crossentropy": DiceCrossEntropy,
    "focal": _focal,
    "huber": keras.losses.Huber,
    "mae": keras.losses.MeanAbsoluteError,
    "mse": keras.losses.MeanSquaredError,
}


def make_loss(loss: str | Mapping[str, Any]) -> keras.losses.Loss:
    """Make a loss.

    Args:
        loss: Its name, or a mapping of `name` and arguments, `{"name": "focal", "gamma": 2, "label_smoothing": 0.1}`;
            of a class of your own the name that Keras has it registered by.

    Raises:
        ValueError: The name is unknown, or an argument does not fit.
    """
    chosen = Loss.from_json(loss)
    kind = registered(chosen.name) if chosen.is_registered else LOSSES[chosen.name]
    try:
        return kind(**chosen.arguments)
    except TypeError as error:
        raise ValueError(f"The loss '{chosen.name}' does not take these arguments: {error}") from error
