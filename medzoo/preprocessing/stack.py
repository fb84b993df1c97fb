"""2.5D: which slices of a volume a 2D network sees as its channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown, unknown_name

BORDERS = ("repeat", "reflect")
MIDDLE = "middle"


@dataclass(frozen=True)
class Stack:
    """Adjacent slices of a volume as the channels of an image; the network's channels say how many.

    Slices count in display order, foot to head from 0.

    Args:
        center: The slice in the middle of the stack: `"middle"` (index depth // 2), a fraction of the depth from 0.0 to
            1.0, or an index, from the end if negative. Samples that name a slice go before it. For a segmentation every
            slice is a centre.
        border: What stands for slices beyond the ends: `"repeat"` takes the last one again, `"reflect"` mirrors at it.
        average: Number of neighbouring stacks whose answers are averaged in prediction, odd; those with a centre
            outside the volume are left out.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> Stack(border="reflect").neighbours(depth=10, center=0, count=5).tolist()
        [2, 1, 0, 1, 2]
    """

    center: str | float | int = MIDDLE
    border: str = "repeat"
    average: int = 1

    def __post_init__(self):
        if self.border not in BORDERS:
            raise unknown_name("border", self.border, BORDERS)
        is_fraction = isinstance(self.center, float) and 0 <= self.center <= 1
        is_index = isinstance(self.center, int) and not isinstance(self.center, bool)
        if self.center != MIDDLE and not is_fraction and not is_index:
            raise ValueError(
                "`center` must be 'middle', a fraction of the depth (0.0 to 1.0, a float) or an index (an int). "
                f"Received: center={self.center!r}."
            )
        if not isinstance(self.average, int) or self.average < 1 or self.average % 2 == 0:
            raise ValueError(f"`average` must be an odd number of stacks. Received: average={self.average!r}.")

    def centers(self, depth: int, slice: int | None = None) -> list[int]:
        """Return the slices in the middle of the stacks of a volume.

        Args:
            depth: Number of slices of the volume.
            slice: Index that goes before the rule, or None.

        Raises:
            ValueError: The index lies outside the volume.
        """
        middle = self._center(depth) if slice is None else slice
        if not -depth <= middle < depth:
            raise ValueError(f"slice {middle} was asked for of {depth} slices, 0 to {depth - 1}. Correct the index.")
        middle, reach = middle % depth, self.average // 2
        return [center for center in range(middle - reach, middle + reach + 1) if 0 <= center < depth]

    def neighbours(self, depth: int, center: int, count: int, margin: int = 0) -> np.ndarray:
        """Return the indices `(count + 2 * margin,)` of the slices around `center`.

        Raises:
            ValueError: The volume has fewer slices than the stack.
        """
        if depth < count:
            raise ValueError(
                f"{depth} slices are fewer than the {count} adjacent ones that the model takes. "
                "Use a model with fewer channels for such scans, or leave them out."
            )
        reach = count // 2 + margin
        indices = np.arange(-reach, reach + 1) + center
        if self.border == "reflect" and depth > 1:
            return (depth - 1) - np.abs(np.abs(indices) % (2 * depth - 2) - (depth - 1))
        return np.clip(indices, 0, depth - 1)

    def _center(self, depth: int) -> int:
        if isinstance(self.center, str):
            return depth // 2
        return round(self.center * (depth - 1)) if isinstance(self.center, float) else self.center

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Stack:
        """Make a Stack of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the stack", value, cls.__dataclass_fields__)
        return cls(**value)
