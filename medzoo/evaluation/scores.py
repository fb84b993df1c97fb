"""Segmentation scores, all of them from confusion matrices.

A confusion matrix has one row per true label and one column per predicted label, background first. Every function
takes matrices of shape `(..., labels, labels)`, so the sum over a data set, the matrix of each case and a thousand
sums without a patient go the same way. A score whose denominator is zero is NaN: it is not known.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

EMPTY_RULE = (
    "A case without any true foreground pixel has no Dice or IoU of its own: it is left out of the scores per case and "
    "counted under empty_cases. A case with true foreground and an empty prediction has Dice 0 and IoU 0. "
    "Pooled scores count the pixels of all cases."
)

# Pixels counted in one step; bincount needs eight bytes for each.
_AT_ONCE = 2**22


def confusion(true_mask: np.ndarray, predicted_mask: np.ndarray, labels: Sequence[str]) -> np.ndarray:
    """Count the pixels of every pair of true and predicted label.

    Args:
        true_mask: Label indices of any shape; integers, booleans, or floats that hold whole numbers.
        predicted_mask: Label indices of the same shape.
        labels: Names of the labels, background first.

    Returns:
        Counts, `(labels, labels)` int64; rows are true labels, columns predicted ones.

    Raises:
        ValueError: The shapes differ, or a mask holds fractions or values that are not label indices.
        TypeError: A mask does not hold numbers.

    Example:
        >>> confusion(np.array([0, 1, 1]), np.array([0.0, 1.0, 0.0]), ("background", "tumor"))
        array([[1, 0],
               [1, 1]])
    """
    count = len(labels)
    true, predicted = _indices(true_mask, "true_mask", count), _indices(predicted_mask, "predicted_mask", count)
    if true.shape != predicted.shape:
        raise ValueError(
            f"Masks of one case must have one shape; got true_mask {true.shape} and predicted_mask {predicted.shape}. "
            "Compare them in the grid of the file."
        )
    counted = np.zeros(count**2, np.int64)
    for start in range(0, true.size, _AT_ONCE):
        part, other = (mask.ravel()[start : start + _AT_ONCE].astype(np.intp) for mask in (true, predicted))
        counted += np.bincount(part * count + other, minlength=count**2)
    return counted.reshape(count, count)


def dice(confusions: np.ndarray) -> np.ndarray:
    """Dice of each label, `(..., labels)`: twice the overlap over the sum of both areas; pooled, it is the F1 score."""
    overlap, true, predicted = _areas(confusions)
    return _ratio(2 * overlap, true + predicted)


def iou(confusions: np.ndarray) -> np.ndarray:
    """Intersection over union of each label, `(..., labels)`."""
    overlap, true, predicted = _areas(confusions)
    return _ratio(overlap, true + predicted - overlap)


def precision(confusions: np.ndarray) -> np.ndarray:
    """Share of the pixels predicted as a label that have it, `(..., labels)`."""
    overlap, _, predicted = _areas(confusions)
    return _ratio(overlap, predicted)


def recall(confusions: np.ndarray) -> np.ndarray:
    """Share of the pixels of a label that were predicted as it, `(..., labels)`."""
    overlap, true, _ = _areas(confusions)
    return _ratio(overlap, true)


def pixel_accuracy(confusions: np.ndarray) -> np.ndarray:
    """Share of all pixels with the right label, `(...)`."""
    overlap, true, _ = _areas(confusions)
    return _ratio(overlap.sum(-1), true.sum(-1))


def pooled_scores(confusions: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """Return every score of summed confusion matrices by name, each `(...)`.

    `dice` and `iou` are means over the foreground labels, and `dice/<label>` and `iou/<label>` the values of each;
    `precision/<label>`, `recall/<label>` and `f1/<label>` are those of the background too.
    """
    by_label = {"dice": dice, "iou": iou, "precision": precision, "recall": recall, "f1": dice}
    values = {name: score(confusions) for name, score in by_label.items()}
    scores = {name: _mean(values[name][..., 1:]) for name in ("dice", "iou")}
    scores["pixel_accuracy"] = pixel_accuracy(confusions)
    for name, value in values.items():
        first = 1 if name in ("dice", "iou") else 0
        scores |= {f"{name}/{labels[index]}": value[..., index] for index in range(first, len(labels))}
    return scores


def case_scores(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """Return the Dice and the IoU of each case `(cases,)`, as means over the foreground labels of its true mask.

    NaN for a case whose true mask is empty, see `EMPTY_RULE`.
    """
    present = np.asarray(confusions)[:, 1:].sum(-1) > 0
    scores = {"dice": dice(confusions), "iou": iou(confusions)}
    return {name: _mean(np.where(present, value[:, 1:], np.nan)) for name, value in scores.items()}


def main_labels(confusions: np.ndarray) -> np.ndarray | None:
    """Count each case once, by the foreground labels that have the most pixels of its true and of its predicted mask.

    A mask without foreground counts as background. What comes out, `(cases, labels, labels)`, are the confusion
    matrices of a classification of whole cases, such as that of the kind of a tumour. None where a case truly holds
    several foreground labels, so that it has no single one, or where all cases hold the same.

    Example:
        >>> main_labels(np.array([[[5, 0, 1], [0, 3, 4], [0, 0, 0]], [[5, 0, 0], [0, 0, 0], [0, 0, 2]]])).sum(0)
        array([[0, 0, 0],
               [0, 0, 1],
               [0, 0, 1]])
    """
    _, true, predicted = _areas(confusions)
    present = true[:, 1:] > 0
    if (present.sum(1) > 1).any() or present.any(0).sum() < 2:
        return None
    of_masks = [np.where(area[:, 1:].any(1), area[:, 1:].argmax(1) + 1, 0) for area in (true, predicted)]
    counted = np.zeros_like(confusions)
    counted[(np.arange(len(counted)), *of_masks)] = 1
    return counted


def merged(confusions: np.ndarray) -> np.ndarray:
    """Return the counts of background and of any foreground label, `(..., 2, 2)`."""
    rows = np.stack([confusions[..., 0, :], confusions[..., 1:, :].sum(-2)], -2)
    return np.stack([rows[..., 0], rows[..., 1:].sum(-1)], -1)


def main_label_scores(counted: np.ndarray) -> dict[str, np.ndarray]:
    """Return accuracy and macro F1 over the foreground labels of summed counts of `main_labels`, each `(...)`."""
    return {"main_label_accuracy": pixel_accuracy(counted), "main_label_f1_macro": _mean(dice(counted)[..., 1:])}


def _indices(mask: np.ndarray, name: str, count: int) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold label indices (integers); got dtype {mask.dtype}.")
    if mask.dtype.kind == "f" and not np.array_equal(mask, np.trunc(mask)):
        raise ValueError(f"{name} must hold whole label indices; got fractions or NaN. Apply the threshold first.")
    if mask.size and (mask.min() < 0 or mask.max() >= count):
        raise ValueError(
            f"{name} must hold label indices 0 to {count - 1}; got values from {mask.min()} to {mask.max()}. "
            "Map the values to indices of the labels first, for example mask > 0 for a binary mask."
        )
    return mask


def _areas(confusions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    confusions = np.asarray(confusions)
    return np.diagonal(confusions, axis1=-2, axis2=-1), confusions.sum(-1), confusions.sum(-2)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    is_defined = np.isfinite(values)
    return _ratio(np.where(is_defined, values, 0).sum(-1), is_defined.sum(-1))
