"""Pixels of a mask that nobody has labelled: they count neither in a loss nor in a score."""

from __future__ import annotations

import numpy as np

# The largest number of a mask, which is uint8: no label of a data set that has fewer than 256.
IGNORED = 255


def ignored_pixels(mask: np.ndarray, labels: int) -> np.ndarray:
    """Return which pixels of a mask, `(...)` bool, are ignored in a data set with so many labels.

    Example:
        >>> ignored_pixels(np.array([0, 1, 255]), labels=2)
        array([False, False,  True])
    """
    return mask == IGNORED if labels <= IGNORED else np.zeros(mask.shape, bool)


def foreground(mask: np.ndarray, labels: int) -> np.ndarray:
    """Return 1 for every label of a mask but the background, uint8; ignored pixels stay so.

    Example:
        >>> foreground(np.array([0, 1, 2, 255]), labels=3)
        array([  0,   1,   1, 255], dtype=uint8)
    """
    merged = np.minimum(mask, 1).astype(np.uint8)
    merged[ignored_pixels(mask, labels)] = IGNORED
    return merged
