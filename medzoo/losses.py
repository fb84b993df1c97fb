"""Losses that Keras does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.graph.logits import logits_of
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


def known_labels(y_true: KerasTensor, outputs: int) -> tuple[KerasTensor, KerasTensor]:
    """Return label indices with 0 for those that no output has, and NaN in their places, 0 in all others.

    `fit` refuses such labels in arrays. Those of a data set are seen here only, where nothing can be raised: added to
    the loss, the NaN stops the training on every backend, while some would train on them and others crash.
    """
    known = (y_true >= 0) & (y_true <= max(1, outputs - 1))
    nothing = ops.zeros_like(y_true)
    return ops.where(known, y_true, nothing), ops.where(known, nothing, float("nan"))


def _mean_of_counted(values: KerasTensor, counted: KerasTensor | None) -> KerasTensor:
    """Set ignored pixels to 0 and scale the others, so that the mean of all is that of the counted ones."""
    if counted is None:
        return values
    number = ops.sum(ops.cast(counted, "float32"))
    size = ops.cast(ops.size(counted), "float32")
    return ops.where(counted[..., 0], values, 0) * ops.cast(size / ops.maximum(number, 1.0), values.dtype)


# Smaller probabilities count as this one, far above the least number of float32: mixed_float16 scales gradients.
_LEAST = 1e-30


def log_shares(y_pred: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """Return the logarithms of probabilities `(..., outputs)`, and of 1 minus them.

    They are computed from the logits behind the probabilities wherever these are known, so that the loss and its
    gradient are right however wrong an answer is; the probabilities themselves are rounded to 1 from a logit of 17 on.
    """
    logits = logits_of(y_pred)
    if y_pred.shape[-1] == 1:
        if logits is not None:
            return ops.log_sigmoid(logits), ops.log_sigmoid(-logits)
        # NaN stays NaN, for training to find.
        return ops.log(ops.maximum(y_pred, _LEAST)), ops.log(ops.maximum(1 - y_pred, keras.config.epsilon()))
    if logits is not None:
        logs = ops.log_softmax(logits, axis=-1)
    else:
        logs = ops.log(ops.maximum(y_pred / ops.sum(y_pred, axis=-1, keepdims=True), _LEAST))
    return logs, ops.log(ops.maximum(-ops.expm1(logs), _LEAST))


def cross_entropy(
    y_true: KerasTensor, y_pred: KerasTensor, label_smoothing: float = 0.0, gamma: float = 0.0
) -> KerasTensor:
    """Return the cross-entropy `(...)` of shares of labels and probabilities, both `(..., outputs)`."""
    outputs = y_pred.shape[-1]
    if label_smoothing:
        y_true = y_true * (1 - label_smoothing) + label_smoothing / max(2, outputs)
    logs, others = log_shares(y_pred)
    if outputs > 1:
        entropy, wrong = -y_true * logs, others
    else:
        entropy = -y_true * logs - (1 - y_true) * others
        # Of shares that are no labels the mean of both, as in Keras.
        wrong = ops.log(ops.maximum(y_true * ops.exp(others) + (1 - y_true) * ops.exp(logs), _LEAST))
    if gamma:
        entropy = entropy * ops.exp(gamma * wrong)
    return ops.sum(entropy, axis=-1)


class _LabelLoss(keras.losses.Loss):
    """A loss of label indices: takes labels `(batch,)` for `(batch, 1)`, and one weight for each image."""

    def __call__(
        self, y_true: KerasTensor, y_pred: KerasTensor, sample_weight: KerasTensor | None = None
    ) -> KerasTensor:
        """Return the reduced loss."""
        y_true, rank = with_label_axis(y_true, y_pred), len(y_pred.shape)
        return super().__call__(y_true, y_pred, with_pixel_axes(sample_weight, rank - 1))


def with_label_axis(y_true: KerasTensor, y_pred: KerasTensor) -> KerasTensor:
    """Turn labels `(batch,)` into `(batch, 1)`; others stay as they are."""
    rank = _rank(y_true)
    if rank is not None and rank != 1:
        return y_true
    return ops.reshape(y_true, (*ops.shape(y_pred)[:-1], -1))


def _rank(tensor: KerasTensor) -> int | None:
    """Return the number of axes; None where TensorFlow does not know it, since a function got tensors of several."""
    try:
        return len(tensor.shape)
    except ValueError:
        return None


def with_pixel_axes(weights: KerasTensor | None, rank: int) -> KerasTensor | None:
    """Let weights of images, `(batch,)` or `(batch, 1)`, be those of all their pixels; others stay as they are.

    Args:
        weights: The weights, or None.
        rank: Number of axes of what is weighted: 1 for images, 3 for the pixels of images, 4 for those of volumes.
    """
    if weights is None or len(weights.shape) >= rank or any(size != 1 for size in weights.shape[1:]):
        return weights
    return ops.reshape(weights, (-1, *[1] * (rank - 1)))


@keras.saving.register_keras_serializable("medzoo")
class DiceCrossEntropy(_LabelLoss):
    """Sum of the soft Dice loss over the batch and the mean cross-entropy.

    The Dice part counts the pixels of the whole batch together, so that an image without foreground is no special
    case. With several labels it is the mean over the foreground labels.

    Call with `y_true` `(batch, height, width, 1)`, label indices of any number type, and `y_pred`
    `(batch, height, width, outputs)`, probabilities. Sample weights, `(batch, height, width)` or `(batch,)`, weight the
    pixels or images of the cross-entropy; the Dice part is multiplied by their mean. Pixels of 255 are ignored.

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
        y_true, unknown = _encoded(without_ignored(y_true, counted), y_pred)
        entropy = cross_entropy(y_true, y_pred) + unknown
        if outputs > 1:
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
class CrossEntropy(_LabelLoss):
    """Cross-entropy of label indices, with label smoothing, and focal where easy cases should count less.

    Call with `y_true` `(batch, ..., 1)` or `(batch,)`, label indices of any number type, or `(batch, outputs)`, the
    share of each label as mixup makes it, and `y_pred` `(batch, ..., outputs)`, probabilities. Pixels of 255 are
    ignored.

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
        y_true, unknown = without_ignored(y_true, counted), 0.0
        if y_true.shape[-1] != y_pred.shape[-1] or y_pred.shape[-1] == 1:
            y_true, unknown = _encoded(y_true, y_pred)
        entropy = cross_entropy(y_true, y_pred, self.label_smoothing, self.gamma) + unknown
        return _mean_of_counted(entropy, counted)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "gamma": self.gamma}


def _encoded(y_true: KerasTensor, y_pred: KerasTensor) -> tuple[KerasTensor, KerasTensor]:
    """Turn label indices `(..., 1)` into the shape and type of `y_pred`, beside what `known_labels` adds, `(...)`."""
    outputs = y_pred.shape[-1]
    if y_true.shape[-1] in (1, None):
        y_true, unknown = known_labels(ops.cast(y_true, y_pred.dtype), outputs)
        return ops.cast(one_hot_labels(y_true, outputs), y_pred.dtype), unknown[..., 0]
    return one_hot_labels(y_true, outputs), 0.0


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
