"""Weights of rare labels in the loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from medzoo.data.samples import Samples
from medzoo.errors import refuse_unknown, unknown_name
from medzoo.recipe.sampling import BALANCED
from medzoo.task.segmentation import ignored_pixels


def class_weights(samples: Samples, weights: str | Mapping[str, float] | Sequence[float]) -> np.ndarray:
    """Return the weight of each label in the loss.

    Args:
        samples: The training data.
        weights: `"balanced"`: number of images / (number of labels x images of the label), as scikit-learn counts;
            or the weights by label, or in the order of the labels.

    Returns:
        Weights `(labels,)`, float32.

    Raises:
        ValueError: A label has no image, is unknown or has no weight, or the targets are no labels.

    Example:
        >>> class_weights(samples, [0.1, 3.0, 4.0])
        array([0.1, 3. , 4. ], dtype=float32)
    """
    labels = samples.labels
    if isinstance(weights, str):
        if weights != BALANCED:
            raise unknown_name("class weights", weights, (BALANCED,))
        return _balanced_weights(samples)
    if isinstance(weights, Mapping):
        refuse_unknown("label", weights, labels)
    values = [weights.get(label) for label in labels] if isinstance(weights, Mapping) else weights
    if len(values) != len(labels) or not all(isinstance(value, int | float) and value >= 0 for value in values):
        raise ValueError(
            f"`class_weights` must have one number of at least 0 for each label {labels}. Received: {values}."
        )
    return np.array(values, np.float32)


def weigh(targets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weight of every image `(batch,)` or pixel `(batch, *size)`, float32; 0 where a pixel is ignored.

    Args:
        targets: Label indices `(batch, ..., 1)`, or shares of labels as mixup makes them: `(batch, labels)`, or of two
            labels `(batch, 1)` floats, the share of the second.
        weights: Weight of each label, `(labels,)`.
    """
    targets = np.asarray(targets)
    if not np.issubdtype(targets.dtype, np.floating):
        ignored = ignored_pixels(targets[..., 0], len(weights))
        return np.where(ignored, np.float32(0), weights[np.where(ignored, 0, targets[..., 0])])
    if targets.shape[-1] == len(weights):
        return targets @ weights
    return (weights[0] * (1 - targets) + weights[1] * targets)[..., 0]


def _balanced_weights(samples: Samples) -> np.ndarray:
    if not samples.task_type.is_categorical:
        raise ValueError(
            "class_weights='balanced' counts images by label, which classification has. "
            f"Received: targets of {samples.kind}. Give the weights: {{'class_weights': {{label: weight}}}}."
        )
    counts = Counter(samples.targets)
    missing = [label for index, label in enumerate(samples.labels) if not counts[index]]
    if missing:
        raise ValueError(f"The training part has no image of {', '.join(missing)}, which needs a weight. Add some.")
    return np.array([len(samples) / (len(samples.labels) * counts[i]) for i in range(len(samples.labels))], np.float32)
