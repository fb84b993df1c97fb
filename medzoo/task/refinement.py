"""What is done to a mask after the network: pieces that are too small, holes, all but the largest piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown


@dataclass(frozen=True)
class Refinement:
    """The steps for one label, in this order. Pixels that touch, also by a corner, are one piece.

    Args:
        fill_holes: Whether background that the label encloses becomes the label; in volumes by all directions.
        min_pixels: Pieces of fewer pixels become background.
        min_size_mm: Pieces that are smaller become background, in mm2 for pictures and mm3 for volumes. A scan that
            does not state its spacing keeps them.
        largest: Whether only the largest piece stays.

    Raises:
        ValueError: A value is out of its range.
    """

    fill_holes: bool = False
    min_pixels: int | None = None
    min_size_mm: float | None = None
    largest: bool = False

    def __post_init__(self):
        if not isinstance(self.fill_holes, bool) or not isinstance(self.largest, bool):
            raise ValueError(f"`fill_holes` and `largest` must be true or false. Received: {self}.")
        for name, kinds in (("min_pixels", int), ("min_size_mm", (int, float))):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or value <= 0):
                raise ValueError(f"`{name}` must be a number above 0, or null. Received: {name}={value!r}.")

    def __call__(self, mask: np.ndarray, label: int, pixel_size: float | None = None) -> np.ndarray:
        """Return a mask with the changes of one label.

        Args:
            mask: Label indices, `([depth,] height, width)`.
            label: Index of the label.
            pixel_size: Size of a pixel in mm2, of a voxel in mm3; None where it is not known.
        """
        from scipy import ndimage

        changed = mask.copy()
        if self.fill_holes:
            holes = ndimage.binary_fill_holes(changed == label) & (changed == 0)
            changed[holes] = label
        least = max(self.min_pixels or 0, (self.min_size_mm or 0) / pixel_size if pixel_size else 0)
        if least or self.largest:
            pieces, _ = ndimage.label(changed == label, np.ones((3,) * mask.ndim))
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0
            kept = sizes >= max(least, 1)
            if self.largest:
                kept &= np.arange(len(sizes)) == np.argmax(sizes)
            changed[(pieces > 0) & ~kept[pieces]] = 0
        return changed

    def to_json(self) -> dict[str, Any]:
        """Return the values that are set."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, value: Any) -> Refinement:
        """Make the steps of their JSON form.

        Raises:
            ValueError: It is no object, or a field is unknown; near matches are in the message.
        """
        if isinstance(value, cls):
            return value
        if not isinstance(value, Mapping):
            raise ValueError(f"`postprocess` must have the steps of each label as an object. Received: {value!r}.")
        refuse_unknown("step of the postprocessing", value, cls.__dataclass_fields__)
        return cls(**value)
