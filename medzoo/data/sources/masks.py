"""Masks in files and arrays, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from medzoo.io import read_scan
from medzoo.io.dicom.annotations import read_annotation, segment_names
from medzoo.io.grid import to_display
from medzoo.io.raster.read import read_values, upright_size
from medzoo.task.base import are_names
from medzoo.transforms.spatial import nearest


class MaskTarget:
    """What all masks share: `shape` is known without their pixels, `mask` scales, `labels` lists what they hold.

    A new kind is a class that inherits this, with a `shape` and a method `read`; it overrides whatever it knows without
    its pixels. `as_mask` makes one of what users pass.
    """

    names: tuple[str, ...]

    # Cached, as `labels` is, since a dataclass can have a field in place of a cached property but not of a property.
    @cached_property
    def shape(self) -> tuple[int, ...]:
        """([depth,] height, width) of the mask at full size."""
        raise NotImplementedError

    def read(self) -> np.ndarray:
        """Return the label indices, uint8 in `shape`."""
        raise NotImplementedError

    def mask(self, size: tuple[int, ...] | None = None) -> np.ndarray:
        """Return the label indices, each pixel that of the nearest one in the file.

        Args:
            size: ([depth,] height, width) to scale to, in pixels; None for `shape`.

        Returns:
            Label indices in display order, uint8; 0 is the background, 255 a pixel to ignore.

        Raises:
            ValueError: The file cannot be read, holds values without a label, or is not in the grid of its image.
        """
        return nearest(self.read(), size)

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """The label indices in the mask, sorted, each once; reads it."""
        mask = self.read()
        return tuple(index for index in range(len(self.names)) if (mask == index).any())

    def listed(self) -> tuple[int, ...]:
        """Return the label indices that an annotation lists, without reading pixels; none where there is no list."""
        return ()

    def own_file(self) -> str | None:
        """Return the path of the file that holds this mask and nothing else; None where there is no such file."""
        return None

    def in_memory(self) -> np.ndarray | None:
        """Return the array of a mask in memory, which has no path to tell it from others; None for any other mask."""
        return None


class OtherMask(MaskTarget):
    """A user's own object with a `shape` and a method `mask(size)`; it may have `labels`, a `path` or an `array`."""

    def __init__(self, target: Any):
        self._target = target

    @property
    def shape(self) -> tuple[int, ...]:
        """The `shape` of the object."""
        return self._target.shape

    def read(self) -> np.ndarray:
        """Return what the object has at full size."""
        return self._target.mask(None)

    def mask(self, size: tuple[int, ...] | None = None) -> np.ndarray:
        """Return what the object has at `size`."""
        return self._target.mask(size)

    @cached_property
    def labels(self) -> tuple[int, ...]:
        """The label indices that the object lists, or else those in its mask."""
        listed = getattr(self._target, "labels", None)
        return tuple(np.unique(self.read()).tolist() if listed is None else listed)

    def listed(self) -> tuple[int, ...]:
        """Return the `labels` of the object."""
        return tuple(getattr(self._target, "labels", None) or ())

    def own_file(self) -> str | None:
        """Return the `path` of the object."""
        return getattr(self._target, "path", None)

    def in_memory(self) -> np.ndarray | None:
        """Return the `array` of the object."""
        array = getattr(self._target, "array", None)
        return array if isinstance(array, np.ndarray) else None


def as_mask(target: Any) -> MaskTarget | None:
    """Return the mask that a target is; None for a label index or a number."""
    if isinstance(target, MaskTarget):
        return target
    return OtherMask(target) if hasattr(target, "mask") else None


@dataclass(frozen=True)
class PictureTarget(MaskTarget):
    """The mask of a picture: a picture of label indices, or of 0 and 255 for two labels.

    Args:
        path: PNG, TIFF or BMP; of a picture with a palette the index of a colour is the label.
        names: Label names, background first.
        codes: What the values mean where they are no label indices, as in `MaskLabels`.
    """

    path: str
    names: tuple[str, ...] = ("background", "foreground")
    codes: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return self.path

    def own_file(self) -> str:
        """Return its path."""
        return self.path

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(height, width), from the header."""
        return upright_size(self.path)

    def read(self) -> np.ndarray:
        """Return the label indices (height, width), uint8."""
        values = picture_values(self.path)
        if self.codes is None and len(self.names) == 2 and np.isin(values, (0, 255)).all():
            values = values > 0
        return as_labels(values, self.names, self.path, self.codes)


@dataclass(frozen=True, eq=False)
class ArrayTarget(MaskTarget):
    """A mask in an array, ([depth,] height, width); a memory map is read when the mask is asked for."""

    array: np.ndarray = field(repr=False)
    names: tuple[str, ...]
    source: str

    def __str__(self) -> str:
        return self.source

    @property
    def shape(self) -> tuple[int, ...]:
        """Its ([depth,] height, width)."""
        return self.array.shape

    def in_memory(self) -> np.ndarray:
        """Return the array."""
        return self.array

    def read(self) -> np.ndarray:
        """Return the label indices, uint8."""
        return as_labels(np.asarray(self.array), self.names, self.source)


@dataclass(frozen=True)
class SegmentationTarget(MaskTarget):
    """The mask of a DICOM series in a DICOM Segmentation that refers to it.

    Args:
        path: The Segmentation.
        names: Label names, background first; its segments have these names, or else their number says which they are.
        image: The series or file.
    """

    path: str
    names: tuple[str, ...]
    image: Any

    def __str__(self) -> str:
        return self.path

    def own_file(self) -> str:
        """Return its path."""
        return self.path

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """([depth,] height, width) in display order."""
        return read_scan(self.image).shape

    def read(self) -> np.ndarray:
        """Return the label indices, uint8, in the display order of the image."""
        scan = read_scan(self.image)
        if not scan.frames or len({file for file, _ in scan.frames}) < len(scan.frames):
            raise ValueError(f"{self.path}: its image {self.image} must be DICOM files of a slice each.")
        values = read_annotation(self.path, [file for file, _ in scan.frames])
        labels = self._indices()[values]
        return to_display(labels.T, scan) if scan.is_volume else labels[0]

    def _indices(self) -> np.ndarray:
        own = [name.strip().lower() for name in segment_names(self.path)]
        wanted = [name.strip().lower() for name in self.names]
        if set(own[1:]) <= set(wanted):
            return np.array([wanted.index(name) if number else 0 for number, name in enumerate(own)], np.uint8)
        if len(own) == len(wanted):
            return np.arange(len(own), dtype=np.uint8)
        raise ValueError(
            f"{self.path} has the segments {', '.join(own[1:])}; expected {', '.join(self.names[1:])}. "
            "Name them with `labels`, the background first."
        )


def mask_labels(labels: str | Iterable[str]) -> tuple[str, ...]:
    """Return label names, the background first; a single text is the only structure.

    Raises:
        ValueError: They are not 2 to 256 different names.
    """
    names = ("background", labels) if isinstance(labels, str) else tuple(labels)
    if not are_names(names):
        raise ValueError(f"`labels` must be 2 to 256 different names, the background first. Received: {labels!r}.")
    return names


def picture_values(path: str) -> np.ndarray:
    """Return the values (height, width) of a picture that is a mask.

    Raises:
        ValueError: It cannot be read, or has colours.
    """
    values = read_values(path)
    if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():
        values = values[..., 0]
    if values.ndim != 2:
        raise ValueError(f"{path} is a picture in colours; expected grey label indices. Save each label as its index.")
    return values


def as_labels(
    values: np.ndarray, names: tuple[str, ...], source: str, codes: tuple[int, ...] | None = None
) -> np.ndarray:
    """Return label indices as uint8.

    Args:
        values: The values in the mask.
        names: Label names, background first.
        source: The file, for the message.
        codes: Label index of each value, as in `MaskLabels`; None where the values are the indices.

    Raises:
        ValueError: A value is not whole, below 0, or has no name; the message names the file and the values.
    """
    is_whole = values.dtype.kind in "bui" or (values == np.floor(values)).all()
    count = len(names if codes is None else codes)
    # Written this way NaN is refused as well.
    if not (is_whole and values.min() >= 0 and values.max() < count):
        raise _unnamed(np.setdiff1d(values, np.arange(count)), names, source)
    if codes is None:
        return values.astype(np.uint8)
    indices = np.array(codes)[values.astype(np.intp)]
    if indices.min() < 0:
        raise _unnamed(np.unique(values[indices < 0]), names, source)
    return indices.astype(np.uint8)


def _unnamed(values: np.ndarray, names: tuple[str, ...], source: str) -> ValueError:
    listed = ", ".join(f"{value:g}" for value in values[:5])
    return ValueError(
        f"{source} holds the values {listed}{', ...' if len(values) > 5 else ''}; expected 0 to {len(names) - 1} "
        f"({', '.join(names)}). Name every label with `labels`, the background first, or correct the mask."
    )
