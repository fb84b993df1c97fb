"""Which inputs a scan makes, and how their answers become one in its grid: the only home of that question."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.preprocessing.answers import Gathered
from medzoo.preprocessing.checks import TILE
from medzoo.preprocessing.stack import Stack
from medzoo.transforms.intensity import to_channels
from medzoo.transforms.spatial import nearest_of_opencv, without_padding

if TYPE_CHECKING:
    from medzoo.io import Scan
    from medzoo.preprocessing.preprocessing import Preprocessing

# Where a part of a scan lies in an array of its shape: all of it, the index of a slice, or some slices.
Place = EllipsisType | int | slice

# An output is brought into the grid of a volume in slabs of about so many bytes.
_SLAB_BYTES = 2**24
# So many voxels of a volume are enough for its percentiles, mean and deviation.
_MOST_VOXELS = 2**22


class Windows(ABC):
    """The inputs that one scan makes, in their order, and the way back of their answers.

    A kind of window (`Whole`, `Slices`, `Stacks`) says what its inputs and targets are. Each input is about a place of
    the scan. Answers come back slab by slab: `slabs` yields the places that the scan is made of, and for each the
    outputs one after the other, so that nobody needs all of them in the grid of the scan at a time.

    Args:
        scan: The scan.
        preprocessing: Steps from a part of the scan to an input.
        places: What each input is about.

    Example:
        >>> from medzoo import Preprocessing, read_scan
        >>> volume = read_scan(np.zeros((5, 16, 12)))
        >>> windows = Preprocessing((8, 8)).windows(volume, every_slice=True)
        >>> answers = np.stack(list(windows.inputs()))
        >>> first = ((place, next(outputs)) for place, outputs in windows.slabs(answers))
        >>> answers.shape, windows.join(first).shape
        ((5, 8, 8, 1), (5, 16, 12))
    """

    def __init__(self, scan: Scan, preprocessing: Preprocessing, places: Sequence[Place]):
        self.scan, self.preprocessing, self.places = scan, preprocessing, tuple(places)

    def __len__(self) -> int:
        """Return the number of inputs."""
        return len(self.places)

    @abstractmethod
    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the inputs `(*size, channels)` float32.

        Args:
            margin: For a jitter of slices in training: so many slices more at both ends of a stack. Statistics of the
                channels are then left to be applied when the channels are chosen.

        Raises:
            ValueError: The scan does not fit the model; the message names it.
        """

    @abstractmethod
    def targets(self, target: Any) -> Iterator[np.ndarray]:
        """Yield the label indices `(*size)` uint8 of each input.

        Args:
            target: The mask of the scan: has a `shape` and a method `mask(size)`, as in `Samples.targets`.

        Raises:
            ValueError: It has another size than the scan.
        """

    def invert(self, answer: np.ndarray, place: Place) -> np.ndarray:
        """Bring an answer `(*size, outputs)` into the grid of the part at `place`."""
        return self.preprocessing.invert(answer, *frame(self.scan, place))

    def gathered(self) -> Gathered:
        """Return what puts the answers of the inputs together as they come, for `slabs`."""
        return Gathered(len(self))

    def slabs(self, answers: np.ndarray) -> Iterator[tuple[Place, Iterator[np.ndarray]]]:
        """Yield the places that the scan is made of, in order, each with the outputs there, one after the other.

        Args:
            answers: What the network says of each input, `(inputs, *size, outputs)`.
        """
        for place, answer in zip(self.places, answers, strict=True):
            yield place, iter(np.moveaxis(self.invert(answer, place), -1, 0))

    def join(self, parts: Iterable[tuple[Place, np.ndarray]]) -> np.ndarray:
        """Join what was made of each slab to one array in the grid of the scan."""
        joined: np.ndarray | None = None
        for place, part in parts:
            if place is ...:
                return part
            if joined is None:
                behind = part.shape[len(self.scan.shape) - isinstance(place, int) :]
                joined = np.empty((*self.scan.shape, *behind), part.dtype)
            joined[place] = part
        if joined is None:
            raise ValueError("There is nothing to join.")
        return joined


class Whole(Windows):
    """The scan is one input: a picture, or a volume of a 3D model."""

    def __init__(self, scan: Scan, preprocessing: Preprocessing):
        super().__init__(scan, preprocessing, (...,))

    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the scan, preprocessed."""
        try:
            yield self.preprocessing(self.scan.array, *frame(self.scan, ...), self.scan.padding)
        except ValueError as error:
            raise named(error, self.scan) from error

    def slabs(self, answers: np.ndarray) -> Iterator[tuple[Place, Iterator[np.ndarray]]]:
        """Yield a picture of usual size at once, a larger one some rows, and a volume some slices at a time."""
        shape, spacing = frame(self.scan, ...)
        thickness = max(1, _SLAB_BYTES // (4 * math.prod(shape[1:])))
        if not self.scan.is_volume and shape[0] <= thickness:
            yield from super().slabs(answers)
            return
        for first in range(0, shape[0], thickness):
            rows = slice(first, min(first + thickness, shape[0]))
            yield rows, self.preprocessing.invert_rows(answers[0], rows, shape, spacing)

    def targets(self, target: Any) -> Iterator[np.ndarray]:
        """Yield the mask, drawn straight at the size that it has in the input."""
        check_shape(target, self.scan)
        yield self.preprocessing.target(target.mask, *frame(self.scan, ...))


class Slices(Windows):
    """Slices of a volume are inputs of a 2D model, each by itself."""

    def __init__(self, scan: Scan, preprocessing: Preprocessing, centers: Sequence[int]):
        super().__init__(scan, preprocessing, centers)
        self.centers = tuple(centers)

    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the slices, preprocessed."""
        try:
            for place in self.places:
                padding = None if self.scan.padding is None else self.scan.padding[place]
                yield self.preprocessing(self.scan.array[place], *frame(self.scan, place), padding)
        except ValueError as error:
            raise named(error, self.scan) from error

    def targets(self, target: Any) -> Iterator[np.ndarray]:
        """Yield the slices of the mask, which is read once."""
        check_shape(target, self.scan)
        whole = target.mask(None)
        for place in self.places:
            yield self.preprocessing.target(partial(nearest_of_opencv, whole[place]), *frame(self.scan, place))


class Stacks(Slices):
    """Adjacent slices of a volume are the channels of an input, which is about the middle one."""

    def __init__(self, scan: Scan, preprocessing: Preprocessing, centers: Sequence[int], stack: Stack):
        super().__init__(scan, preprocessing, centers)
        self.stack = stack

    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the stacks, with intensities normalised by the whole volume."""
        steps, volume = self.preprocessing, self.scan.array
        try:
            adjust = steps.intensity(*thin(volume, self.scan.padding), of_channels=not margin)
            for center in self.centers:
                slices = volume[self.stack.neighbours(len(volume), center, steps.channels, margin)]
                pixels = np.moveaxis(to_channels(slices, 1)[..., 0], 0, -1).astype(np.float32)
                yield steps.finish(pixels, volume.dtype, *frame(self.scan, center), adjust)
        except ValueError as error:
            raise named(error, self.scan) from error


def plan(scan: Scan, preprocessing: Preprocessing, index: int | None = None, every_slice: bool = False) -> Windows:
    """Say which inputs a scan makes.

    Args:
        scan: The scan.
        preprocessing: That of the model.
        index: The slice of a volume to take, or None for the rule of the `stack`.
        every_slice: Whether the model answers each slice, as a 2D segmentation does.

    Raises:
        ValueError: The scan is a volume and the model takes single images, or is none and the model takes stacks.
    """
    if preprocessing.stack and not scan.is_volume:
        raise ValueError(
            f"{scan.source} is a single image; the model takes stacks of {preprocessing.channels} adjacent slices of a "
            "volume (NIfTI, DICOM series)."
        )
    if preprocessing.fit == TILE:
        from medzoo.preprocessing.tiles import Tiles

        if not every_slice or index is not None or (len(preprocessing.size) == 3 and not scan.is_volume):
            raise ValueError(
                f"{scan.source}: a model with fit='tile' answers each pixel of a picture, or of a volume if its size "
                "has three numbers; this is something else. Give such a scan, or take another fit."
            )
        return Tiles(scan, preprocessing)
    if _is_whole(preprocessing, scan.shape):
        return Whole(scan, preprocessing)
    centers = range(scan.shape[0]) if every_slice else _centers(scan, preprocessing, index)
    if preprocessing.stack:
        return Stacks(scan, preprocessing, centers, preprocessing.stack)
    return Slices(scan, preprocessing, centers)


def count_windows(preprocessing: Preprocessing, shape: tuple[int, ...]) -> int:
    """Return the number of inputs that a scan of `shape` makes in training; its pixels are not needed."""
    if preprocessing.fit == TILE:
        return preprocessing.patches or 1
    return 1 if _is_whole(preprocessing, shape) else shape[0]


def _is_whole(preprocessing: Preprocessing, shape: tuple[int, ...]) -> bool:
    return len(preprocessing.size) == 3 or len(shape) < 3


def _centers(scan: Scan, preprocessing: Preprocessing, index: int | None) -> list[int]:
    if preprocessing.stack is None and index is None:
        raise ValueError(
            f"{scan.source} is a volume of {scan.shape[0]} slices; the model answers for one image. Name a slice, "
            "or set Preprocessing(stack=Stack()) for stacks of slices, or a size of three numbers for volumes."
        )
    try:
        return (preprocessing.stack or Stack()).centers(scan.shape[0], index)
    except ValueError as error:
        raise named(error, scan) from error


def frame(scan: Scan, place: Place) -> tuple[tuple[int, ...], tuple[float, ...] | None]:
    """Return the shape and the spacing of the part of a scan at `place`."""
    return (scan.shape, scan.spacing) if place is ... else (scan.shape[1:], scan.spacing and scan.spacing[1:])


def named(error: ValueError, scan: Scan) -> ValueError:
    """Return an error that names the scan."""
    return ValueError(f"{scan.source}: {error}")


def thin(volume: np.ndarray, padding: np.ndarray | None, channels: int = 1) -> tuple[np.ndarray, np.dtype]:
    """Return enough voxels of a volume, evenly spread, in so many channels, and the type that they were stored in."""
    voxels = without_padding(volume, padding).reshape(-1, 1, volume.shape[-1])
    return to_channels(voxels[:: -(-len(voxels) // _MOST_VOXELS)], channels).astype(np.float32), volume.dtype


def check_shape(target: Any, scan: Scan) -> None:
    """Refuse a mask of another size than the scan."""
    if tuple(target.shape) != scan.shape:
        axes = "(depth, height, width)" if scan.is_volume else "(height, width)"
        raise ValueError(
            f"{scan.source} has the size {scan.shape}, its annotation {tuple(target.shape)} {axes}. "
            "Correct the annotation file; a turned image may carry an EXIF orientation that the file ignores."
        )
