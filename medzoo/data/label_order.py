"""The same labels in another order: targets are mapped by the names, not by the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from medzoo.data.sources.masks import MaskTarget, as_mask


class MappedMask(MaskTarget):
    """A mask whose label indices are those of another order of its labels.

    Args:
        mask: The mask.
        index_of: New index of each of its label indices; 255, a pixel to ignore, stays.
        names: The labels in the new order.
    """

    def __init__(self, mask: MaskTarget, index_of: tuple[int, ...], names: tuple[str, ...]):
        self._mask, self._index_of, self.names = mask, index_of, names

    def __str__(self) -> str:
        return str(self._mask)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The shape of the mask."""
        return self._mask.shape

    def read(self) -> np.ndarray:
        """Return the mask at full size in the new order."""
        return self._mapped(self._mask.read())

    def mask(self, size: tuple[int, ...] | None = None) -> np.ndarray:
        """Return the mask at `size` in the new order."""
        return self._mapped(self._mask.mask(size))

    def each(self) -> np.ndarray:
        """Return the masks of the inputs of a packed image, in the new order."""
        masks: Any = self._mask
        return self._mapped(masks.each())

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """The label indices in the mask, in the new order."""
        return self._indices(self._mask.labels)

    def listed(self) -> tuple[int, ...]:
        """Return the label indices that an annotation lists, in the new order."""
        return self._indices(self._mask.listed())

    def own_file(self) -> str | None:
        """Return the file of the mask."""
        return self._mask.own_file()

    def in_memory(self) -> np.ndarray | None:
        """Return the array of the mask, in the new order."""
        array = self._mask.in_memory()
        return None if array is None else self._mapped(array)

    def _mapped(self, mask: np.ndarray) -> np.ndarray:
        table = np.arange(256, dtype=np.uint8)
        table[: len(self._index_of)] = self._index_of
        return table[mask]

    def _indices(self, labels: Sequence[int]) -> tuple[int, ...]:
        return tuple(sorted(self._index_of[label] for label in labels))


def reorder(targets: Sequence[Any], labels: tuple[str, ...], order: tuple[str, ...]) -> tuple[Any, ...]:
    """Return targets with `labels` as targets of the same labels in another `order`; numbers stay as they are."""
    index_of = tuple(order.index(label) for label in labels)
    return tuple(_reordered(target, index_of, order) for target in targets)


def _reordered(target: Any, index_of: tuple[int, ...], order: tuple[str, ...]) -> Any:
    mask = as_mask(target)
    if mask is not None:
        return MappedMask(mask, index_of, order)
    return index_of[target] if isinstance(target, int | np.integer) else target
