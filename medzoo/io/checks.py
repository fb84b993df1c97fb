"""What every reader asks of its pixels, and how it says that a file is damaged."""

from __future__ import annotations

import os

import numpy as np

_KEPT = (np.uint8, np.uint16, np.int16)


def check_pixels(array: np.ndarray, source: str | os.PathLike) -> np.ndarray:
    """Return `array` as uint8, uint16 or int16 where it is one of them, else as float32.

    Booleans become 0 and 1 of uint8.

    Args:
        array: Pixels of any shape.
        source: What messages call the scan: its path, or `"array"`.

    Raises:
        ValueError: There are no pixels, they are not real numbers, or some are NaN or infinite.
    """
    if array.dtype.kind not in "buif":
        raise ValueError(
            f"{source} holds values of type {array.dtype}; expected real numbers. "
            "Convert them first, for example array.astype('float32')."
        )
    if array.size == 0:
        raise ValueError(f"{source} holds no pixels; got shape {array.shape}. Pass an image with a height and a width.")
    array = array.astype(_stored_type(array.dtype), copy=False)
    bad = array.size - np.count_nonzero(np.isfinite(array)) if array.dtype.kind == "f" else 0
    if bad:
        raise ValueError(
            f"{source} has {bad} pixels that are NaN or infinite; expected finite numbers. "
            "Replace them first, for example numpy.nan_to_num(array)."
        )
    return array


def damaged(source: str | os.PathLike, error: object, fix: str = "Copy or download the file again.") -> ValueError:
    """Return the one-line error for a file that its library refuses, with what the library said."""
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return ValueError(f"{source} cannot be read: {reason}. {fix}")


def _stored_type(dtype: np.dtype) -> type | np.dtype:
    if dtype.kind == "b":
        return np.uint8
    native = dtype.newbyteorder("=")
    return native if native in _KEPT else np.float32
