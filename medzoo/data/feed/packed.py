"""Samples from a file of `medzoo prepare`: inputs that are preprocessed already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NoReturn

import numpy as np

from medzoo.data.feed.packed_file import PackedFile, decode, read_index
from medzoo.data.samples import Samples
from medzoo.data.sources.masks import MaskTarget
from medzoo.io import Image, Scan, as_image
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.windows import Windows
from medzoo.task import task_from_json
from medzoo.transforms.intensity import scale_channels


@dataclass(frozen=True)
class PackedImage(Image):
    """The inputs that were made of one image: one, or one for every slice in a 2D segmentation of volumes.

    Args:
        source: Path of the image below the folder of its data set.
        file: Where the inputs are.
        first: Row of the first input.
        count: Number of inputs.
    """

    source: str
    file: PackedFile
    first: int
    count: int = 1

    def __str__(self) -> str:
        return self.source

    def inputs(self, preprocessing: Preprocessing, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the inputs `(*size, channels)` float32, as `Preprocessing.inputs` makes them of the file.

        Args:
            preprocessing: The model's, which must be the one that they were packed with.
            margin: Slices more at both ends of a stack.

        Raises:
            ValueError: The model wants other inputs, or the file is damaged.
        """
        self.file.check(preprocessing, margin)
        cut = self.file.margin - margin
        is_chosen = bool(self.file.margin) and not margin and preprocessing.has_channel_statistics
        mean, std = preprocessing.mean, preprocessing.std
        for row in range(self.first, self.first + self.count):
            numbers = self.file.rows("inputs", row, 1)[0]
            image = decode(numbers[..., cut : numbers.shape[-1] - cut], *self.file.rows("scales", row, 1)[0])
            if is_chosen and mean is not None and std is not None:
                # In a file with a margin they are left to be applied when the channels are chosen, which is now.
                image = scale_channels(image, mean, std)
            yield image

    def windows(self, preprocessing: Preprocessing, index: int | None = None, every_slice: bool = False) -> Windows:
        """Return the inputs as windows of a scan in their own grid, which is also that of the answers.

        Args:
            preprocessing: The model's, which must be the one that they were packed with.
            index: Without effect: packing has settled which slices are taken.
            every_slice: Likewise.
        """
        return PackedWindows(self, preprocessing)

    @property
    def preprocessing(self) -> Preprocessing:
        """The steps that the inputs went through."""
        return self.file.preprocessing

    def contents(self) -> list[bytes]:
        """Return the hash of the file and the place in it."""
        return [f"{self.file.digest} {self.first}".encode()]

    def read(self, at_least: tuple[int, ...] | None = None) -> NoReturn:
        """Refuse to be a scan.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"{self.source} in {self.file.path} is an input of a network, in no grid of a file. "
            "Give the original files."
        )


class PackedWindows(Windows):
    """The inputs of a packed image.

    Args:
        image: The image.
        preprocessing: The model's.
    """

    def __init__(self, image: PackedImage, preprocessing: Preprocessing):
        self.image, self.preprocessing = image, preprocessing
        self.places = (...,) if image.count == 1 else tuple(range(image.count))

    @cached_property
    def _plain(self) -> list[np.ndarray]:
        """The inputs without a margin, decoded once for the network and for the scan."""
        return list(self.image.inputs(self.preprocessing))

    @cached_property
    def scan(self) -> Scan:  # type: ignore[override]  # mypy takes a cached property for one that cannot be set
        """The inputs as a scan in their own grid."""
        pixels = self._plain[0] if len(self) == 1 else np.stack(self._plain)
        if self.preprocessing.stack is not None:
            middle = self.preprocessing.channels // 2
            pixels = pixels[..., middle : middle + 1]
        spacing = self.preprocessing.spacing
        if spacing is not None and len(self) > 1:
            # Slices are not resampled, so their distance does not matter.
            spacing = (1.0, *spacing)
        return Scan(pixels, pixels.shape[:-1], spacing, source=self.image.source)

    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the inputs of the file."""
        return self.image.inputs(self.preprocessing, margin) if margin else iter(self._plain)

    def targets(self, target: PackedMask) -> Iterator[np.ndarray]:
        """Yield the masks of the file."""
        return iter(target.each())


@dataclass(frozen=True)
class PackedMask(MaskTarget):
    """The mask of a packed image, at the size of the network's input.

    Args:
        source: What its image has as `source`.
        file: Where the mask is.
        first: Row of the first slice.
        count: Number of inputs of the image.
        labels: The label indices in the mask, at its full size.
    """

    source: str
    file: PackedFile
    first: int
    count: int
    # A field, since a rare label may be lost at a small size, and a split must be the same as that of the files.
    labels: tuple[int, ...] = field()

    def __str__(self) -> str:
        return self.source

    @property
    def shape(self) -> tuple[int, ...]:
        """Its ([depth,] height, width)."""
        size = self.file.preprocessing.size
        return size if self.count == 1 else (self.count, *size)

    def read(self) -> np.ndarray:
        """Return the label indices, uint8 in `shape`."""
        return self.file.rows("masks", self.first, self.count).reshape(self.shape)

    def each(self) -> np.ndarray:
        """Return the masks of the inputs, `(count, *size)` uint8."""
        return self.file.rows("masks", self.first, self.count)


def from_packed(path: str | os.PathLike) -> Samples:
    """Read a file that `medzoo prepare` wrote.

    Its rows are those of the packed data set, with patients and splits, so a recipe makes the same parts and folds of
    them. Inputs are read from the file when they are asked for.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged, or not one of `medzoo prepare`.

    Example:
        >>> data = medzoo.data.from_packed("brain.h5")
        >>> train, valid = data.split(valid=0.2)
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {path}. Write it: medzoo prepare DATA -o {path} --recipe RECIPE")
    index = read_index(path)
    file = PackedFile(path, index["digest"], Preprocessing.from_json(index["preprocessing"]), index["margin"])
    columns = {name: tuple(index[name]) for name in ("patients", "splits", "labels", "slices")}
    starts = np.cumsum([0, *index["counts"]]).tolist()
    places = list(zip(index["sources"], starts, index["counts"], strict=False))
    targets = index["targets"]
    if task_from_json(index["task"]).is_dense:
        rows = zip(places, targets, strict=True)
        targets = [PackedMask(source, file, first, count, tuple(labels)) for (source, first, count), labels in rows]
    images = tuple(PackedImage(source, file, first, count) for source, first, count in places)
    return Samples(images=images, targets=tuple(targets), **columns)


def packed_preprocessing(samples: Samples) -> Preprocessing | None:
    """Return the steps that packed samples went through; None for samples of files or arrays."""
    packed = (as_image(image).preprocessing for image in samples.images)
    return next(filter(None, packed), None)
