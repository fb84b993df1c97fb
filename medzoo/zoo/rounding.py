"""Kernels in half precision, as many as the golden output allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# Kernels are stored in half precision as long as no golden output moves by more than this.
HALF_PRECISION_TOLERANCE = 1e-3
# Kernels that are too much together are rounded in about so many groups.
MOST_GROUPS = 16

# Smaller arrays are biases and statistics, whose precision costs nothing.
KERNEL_DIMENSIONS = 2


def round_as_far_as_allowed(
    values: Sequence[np.ndarray], assign: Callable[[int, np.ndarray], None], is_close: Callable[[], bool]
) -> None:
    """Round kernels to half precision, all of them, or groups of them, the largest first, while the output is close.

    `assign` gives the kernel of a number another value.
    """

    def round_some(numbers: list[int]) -> None:
        for number in numbers:
            assign(number, rounded(values[number]))
        if is_close():
            return
        for number in numbers:
            assign(number, values[number])
        # A look at the golden output takes long, so not at every kernel for itself.
        if len(numbers) > max(1, len(values) // MOST_GROUPS):
            middle = len(numbers) // 2
            round_some(numbers[:middle])
            round_some(numbers[middle:])

    round_some(sorted(range(len(values)), key=lambda number: -values[number].size))


def rounded(value: np.ndarray) -> np.ndarray:
    """Round float32 numbers to those that half precision holds."""
    return value.astype(np.float16).astype(np.float32)


def smallest(value: np.ndarray) -> np.ndarray:
    """Return a kernel in half precision if that holds every number of it exactly, and anything else as it is."""
    if value.ndim < KERNEL_DIMENSIONS or value.dtype != np.float32 or not np.array_equal(rounded(value), value):
        return value
    return value.astype(np.float16)
