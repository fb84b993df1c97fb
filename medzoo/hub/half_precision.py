"""When a kernel may be stored in half precision."""

from __future__ import annotations

import numpy as np

# Kernels are stored in half precision as long as no golden output moves by more than this.
HALF_PRECISION_TOLERANCE = 1e-3

# Smaller arrays are biases and statistics, whose precision costs nothing.
KERNEL_DIMENSIONS = 2


def rounded(value: np.ndarray) -> np.ndarray:
    """Round float32 numbers to those that half precision holds."""
    return value.astype(np.float16).astype(np.float32)


def smallest(value: np.ndarray) -> np.ndarray:
    """Return a kernel in half precision if that holds every number of it exactly, and anything else as it is."""
    if value.ndim < KERNEL_DIMENSIONS or value.dtype != np.float32 or not np.array_equal(rounded(value), value):
        return value
    return value.astype(np.float16)
