"""How several answers for a scan become one: those of its inputs, of mirrored inputs, of neighbouring stacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations
from typing import Any

import numpy as np

from medzoo.preprocessing.checks import AXES


class Gathered:
    """The answers for the inputs of a scan, as they come.

    Args:
        count: How many inputs there are.
    """

    def __init__(self, count: int):
        self._count = count
        self._answers: list[np.ndarray] = []

    def add(self, answer: np.ndarray) -> None:
        """Add the answer of the next input."""
        self._answers.append(answer)

    @property
    def is_done(self) -> bool:
        """Whether all have come."""
        return len(self._answers) == self._count

    def result(self) -> np.ndarray:
        """Return them, `(inputs, ...)`."""
        return np.stack(self._answers)


def over_mirrors(
    predict: Callable[[np.ndarray], Any], inputs: np.ndarray, mirrors: Sequence[str] | None, is_dense: bool
) -> np.ndarray:
    """Return the answers for inputs `(inputs, *size, channels)`, averaged over their mirror images.

    Args:
        predict: Returns the answers of a batch of inputs.
        inputs: The inputs.
        mirrors: `Preprocessing.mirrors`.
        is_dense: Whether an answer is a mask, which is mirrored back before it is averaged.
    """
    if not mirrors:
        return np.asarray(predict(np.ascontiguousarray(inputs)))
    # The last axis is that of the channels.
    axes = [-2 - AXES.index(name) for name in mirrors]
    total: Any = 0
    for chosen in chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1)):
        answers = np.asarray(predict(np.ascontiguousarray(np.flip(inputs, chosen))))
        total = total + (np.flip(answers, chosen) if is_dense else answers)
    return total / np.float32(2 ** len(axes))


def average(answers: Sequence[np.ndarray], dtype: type = np.float64) -> np.ndarray:
    """Return the mean of the answers for the inputs of a scan, `(outputs,)`."""
    return np.mean(answers, axis=0, dtype=dtype)
