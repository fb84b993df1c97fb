"""Images in memory, and objects of a user that read one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from medzoo.io.image import Image, Scan, check_pixels

_MOST_CHANNELS = 4


@dataclass(frozen=True, eq=False)
class ArrayImage(Image):
    """An image in an array; a memory map is read only when it is asked for."""

    array: np.ndarray = field(repr=False)
    source: str = "array"

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return the pixels as a Scan.

        Raises:
            ValueError: They are no image or volume, or some are NaN.
        """
        array = np.asarray(self.array)
        has_channels = array.ndim == 4 or (array.ndim == 3 and array.shape[-1] <= _MOST_CHANNELS)
        if array.ndim not in (2, 3, 4) or (has_channels and array.shape[-1] > _MOST_CHANNELS):
            raise ValueError(
                f"An array must be (height, width), (height, width, channels), (depth, height, width) or (depth, "
                f"height, width, channels) with up to {_MOST_CHANNELS} channels; got {array.shape} as {self.source}. "
                "Index or move axes first."
            )
        pixels = check_pixels(array if has_channels else array[..., None], self.source)
        return Scan(pixels, pixels.shape[:-1], source=self.source)

    def in_memory(self) -> np.ndarray:
        """Return the array."""
        return self.array


class ReadImage(Image):
    """A user's own object with a method `read(at_least)`; its `source`, or else its text, names it in messages."""

    def __init__(self, image: Any):
        self._image, self.source = image, str(getattr(image, "source", image))

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return what the object reads."""
        return self._image.read(at_least)

    def in_memory(self) -> np.ndarray | None:
        """Return the object's `array`, if it has one."""
        array = getattr(self._image, "array", None)
        return array if isinstance(array, np.ndarray) else None
