"""Targets that a user passes to `fit` as arrays: brought into the network's shape, or refused by their values."""

from __future__ import annotations

from typing import Any

import numpy as np

from medzoo.io.tensors import as_array
from medzoo.task import Task
from medzoo.task.segmentation import IGNORED

# Values that a message lists.
_TOLD = 8


def fit_targets(task: Task, targets: Any, name: str = "y") -> Any:
    """Return targets as an array for a network of the task, `(batch, ..., 1)` or shares of labels `(batch, outputs)`.

    Args:
        task: The task.
        targets: Label indices or numbers, `(batch,)` or `(batch, 1)`, shares of labels, or masks.
        name: What a message calls them.

    Raises:
        ValueError: A value is no label of the task or no number.

    Example:
        >>> fit_targets(Classification(("benign", "malignant")), [0, 1]).shape
        (2, 1)
    """
    values = np.asarray(as_array(targets))
    if values.dtype.kind not in "biuf":
        raise ValueError(f"`{name}` must be numbers. Received: {values.dtype}. {_expected(task)}")
    if values.ndim == 1:
        values = values[:, None]
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"`{name}` must be finite numbers. Received: NaN or infinity. {_expected(task)}")
    if len(task.labels) > 1 and values.size:
        _check_labels(task, values, name)
    return values


def _check_labels(task: Task, values: np.ndarray, name: str) -> None:
    if not task.is_dense and values.shape[-1] == task.outputs and _are_shares(values):
        return
    wrong = _wrong(task, values)
    if len(wrong):
        raise ValueError(f"{_expected(task, name)} Received: {_listed(wrong)}. {_hint(task, wrong)}")
    ignores = task.is_dense and len(task.labels) <= IGNORED and values.max() == IGNORED
    if ignores and not ((values > 0) & (values < IGNORED)).any():
        raise ValueError(
            f"{_expected(task, name)} Received: 255 and no label above 0, so that no foreground is left. "
            f"Write ({name} > 0).astype('uint8') if 255 is the foreground."
        )


def _are_shares(values: np.ndarray) -> bool:
    """Return whether these are shares of labels `(batch, outputs)`, as mixup makes them."""
    sums_fit = values.shape[-1] == 1 or np.allclose(values.sum(axis=-1, dtype=np.float64), 1, atol=1e-3)
    return bool(values.min() >= 0 and values.max() <= 1 and sums_fit)


def _wrong(task: Task, values: np.ndarray) -> np.ndarray:
    """Return the values that are no label indices, sorted."""
    count = len(task.labels)
    if values.dtype.kind != "f" and values.min() >= 0 and values.max() < count:
        return values[:0].ravel()
    found = np.unique(values)
    valid = (found >= 0) & (found < count) & (found == np.floor(found))
    if task.is_dense and count <= IGNORED:
        valid |= found == IGNORED
    return found[~valid]


def _expected(task: Task, name: str = "y") -> str:
    if len(task.labels) < 2:
        return f"Write one number for each image, {name} of shape (batch, 1)."
    ignored = ", 255 for pixels to ignore" if task.is_dense and len(task.labels) <= IGNORED else ""
    labels = ", ".join(task.labels)
    return f"`{name}` must hold label indices, 0 to {len(task.labels) - 1} ({labels:.80}){ignored}."


def _listed(wrong: np.ndarray) -> str:
    more = f" and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else ""
    return ", ".join(f"{value:g}" for value in wrong[:_TOLD]) + more


def _hint(task: Task, wrong: np.ndarray) -> str:
    if wrong.min() < 0:
        return "Write 255 for what has no label." if task.is_dense else "Leave out images without a label."
    if wrong.tolist() == [len(task.labels)]:
        return "Indices begin with 0: subtract 1 if yours begin with 1, or add the label to the recipe's task."
    return "Map them to indices, or name all labels in the recipe's task."
