"""Float images as whole numbers of 16 bits, with the step between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

# Steps of an image that is not made of few values: as large in a compressed file as float16, and finer in most places.
LEVELS = 2**14 - 1
# Steps of a picture of 8 bits, which is kept exactly.
EXACT_LEVELS = 255
_EXACT = 1e-6
_THINNED = 4096


class Codes(NamedTuple):
    """An image `low + step * numbers`, with the count of steps from its lowest to its highest value."""

    numbers: np.ndarray
    low: float
    step: float
    levels: int


def encode(image: np.ndarray) -> Codes:
    """Return an image as whole numbers, uint16.

    Where all its values lie on at most 256 even steps, as those of a picture of 8 bits do that is only rescaled, they
    are kept to the precision of float32. Else an error is at most half a step, 1/32766 of the image's range.

    Raises:
        ValueError: A value is NaN or infinite.

    Example:
        >>> encode(np.float32([0, 0.5, 1])).numbers
        array([0, 1, 2], dtype=uint16)
    """
    low, high = float(image.min()), float(image.max())
    if not np.isfinite(high - low):
        raise ValueError("some values of the input are NaN or infinite. Check the file and the preprocessing.")
    levels = _exact_levels(image, low, high) or LEVELS
    step = (high - low) / levels
    if not step:
        return Codes(np.zeros(image.shape, np.uint16), low, 0.0, 0)
    # In place, since an image may be a large volume.
    numbers = image - np.float32(low)
    numbers /= np.float32(step)
    return Codes(np.clip(np.rint(numbers, out=numbers), 0, levels, out=numbers).astype(np.uint16), low, step, levels)


def decode(numbers: np.ndarray, low: float, step: float) -> np.ndarray:
    """Return the image of whole numbers, float32."""
    image = numbers.astype(np.float32)
    image *= np.float32(step)
    image += np.float32(low)
    return image


def _exact_levels(image: np.ndarray, low: float, high: float) -> int | None:
    """Return the number of even steps that all values lie on, if it is at most 255."""
    thin = image.reshape(-1)[:: -(-image.size // _THINNED)]
    if len(np.unique(thin)) > EXACT_LEVELS + 1:
        return None
    values = np.unique(image).astype(np.float64)
    if not 2 <= len(values) <= EXACT_LEVELS + 1:
        return None
    levels = round((high - low) / np.diff(values).min())
    places = (values - low) / (high - low) * levels
    is_exact = levels <= EXACT_LEVELS and np.abs(places - np.rint(places)).max() <= _EXACT * levels
    return levels if is_exact else None
