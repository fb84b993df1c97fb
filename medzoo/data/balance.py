"""What is done about rare labels: drawing them more often, or weighting their loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from medzoo.data.samples import Samples
from medzoo.errors import refuse_unknown, unknown_name

BALANCED = "balanced"
FIELDS = ("sampling", "class_weights")


def check_balance(balance: Mapping[str, Any]) -> None:
    """Refuse fields and values that a recipe's `balance` does not have.

    Raises:
        ValueError: A field or a value is unknown.
    """
    refuse_unknown("field of the balance", balance, FIELDS)
    if balance.get("sampling") not in (None, BALANCED):
        raise unknown_name("sampling", balance["sampling"], (BALANCED,))


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
        weights = [weights.get(label) for label in labels]
    if len(weights) != len(labels) or not all(isinstance(weight, int | float) and weight >= 0 for weight in weights):
        raise ValueError(
            f"`class_weights` must have one number of at least 0 for each label {labels}. Received: {weights}."
        )
    return np.array(weights, np.float32)


def balanced_rows(strata: Sequence[Hashable], seed: int) -> tf.data.Dataset:
    """Return row numbers, as many as there are rows, in which every stratum is drawn equally often.

    A rare row comes several times in an epoch, a common one in some epochs only; each epoch draws anew.
    """
    rows_of: dict[Hashable, list[int]] = {}
    for row, stratum in enumerate(strata):
        rows_of.setdefault(stratum, []).append(row)
    streams = [
        tf.data.Dataset.from_tensor_slices(np.array(rows, np.int64))
        .shuffle(len(rows), seed=seed + number, reshuffle_each_iteration=True)
        .repeat()
        for number, rows in enumerate(rows_of.values())
    ]
    drawn = tf.data.Dataset.sample_from_datasets(streams, seed=seed, rerandomize_each_iteration=True)
    return drawn.take(len(strata))


def _balanced_weights(samples: Samples) -> np.ndarray:
    if samples.kind != "classification":
        raise ValueError(
            "class_weights='balanced' counts images by label, which classification has. "
            f"Received: targets of {samples.kind}. Give the weights: {{'class_weights': {{label: weight}}}}."
        )
    counts = Counter(samples.targets)
    missing = [label for index, label in enumerate(samples.labels) if not counts[index]]
    if missing:
        raise ValueError(f"The training part has no image of {', '.join(missing)}, which needs a weight. Add some.")
    return np.array([len(samples) / (len(samples.labels) * counts[i]) for i in range(len(samples.labels))], np.float32)
