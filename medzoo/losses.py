"""Losses that Keras does not have."""

from __future__ import annotations

from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.errors import unknown_name


def one_hot_labels(y_true: KerasTensor, outputs: int) -> KerasTensor:
    """Turn label indices `(..., 1)` into `(..., outputs)`; binary masks stay as they are.

    Raises:
        ValueError: The last axis is not 1, which would broadcast against predictions without notice.
    """
    if y_true.shape[-1] not in (1, None):
        raise ValueError(
            "Masks must be label indices of shape (batch, height, width, 1). "
            f"Received: shape={tuple(y_true.shape)}. Write mask[..., None], or for one-hot masks "
            "mask.argmax(-1)[..., None]."
        )
    if outputs == 1:
        return y_true
    return ops.one_hot(ops.cast(y_true[..., 0], "int32"), outputs)


@keras.saving.register_keras_serializable("medzoo")
class DiceCrossEntropy(keras.losses.Loss):
    """Sum of the soft Dice loss over the batch and the mean cross-entropy.

    The Dice part counts the pixels of the whole batch together, so that an image without foreground is no special
    case. With several labels it is the mean over the foreground labels.

    Call with `y_true` `(batch, height, width, 1)`, label indices of any number type, and `y_pred`
    `(batch, height, width, outputs)`, probabilities. Sample weights, `(batch, height, width)` or `(batch, 1, 1)`,
    weight the pixels of the cross-entropy; the Dice part is multiplied by their mean.

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
        y_true = ops.cast(one_hot_labels(y_true, outputs), y_pred.dtype)
        if outputs == 1:
            # torch refuses NaN here; through the Dice part it reaches the loss, where training looks for it.
            entropy = keras.losses.binary_crossentropy(y_true, ops.nan_to_num(y_pred, nan=0.5))
        else:
            entropy = keras.losses.categorical_crossentropy(y_true, y_pred)
            y_true, y_pred = y_true[..., 1:], y_pred[..., 1:]
        axes = tuple(range(len(y_pred.shape) - 1))
        both = ops.sum(y_true * y_pred, axis=axes)
        total = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
        dice = (2 * both + self.smoothing) / (total + self.smoothing)
        return entropy + 1 - ops.mean(dice)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "smoothing": self.smoothing}


LOSSES = {"dice_crossentropy": DiceCrossEntropy}


def make_loss(name: str) -> keras.losses.Loss:
    """Make a loss of its name.

    Raises:
        ValueError: The name is unknown.
    """
    if name not in LOSSES:
        raise unknown_name("loss", name, LOSSES)
    return LOSSES[name]()
