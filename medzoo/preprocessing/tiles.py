"""Overlapping tiles of a scan that keeps its scale, and the one answer that theirs become."""

from __future__ import annotations

import math
import mmap
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.preprocessing.answers import Gathered
from medzoo.preprocessing.windows import Place, Whole, Windows, check_shape, frame, named, thin
from medzoo.task.segmentation import ignored_pixels
from medzoo.transforms.spatial import paste, resize

if TYPE_CHECKING:
    from medzoo.io import Scan
    from medzoo.preprocessing.preprocessing import Preprocessing

# Answers of more bytes than this lie in a temporary file, rounded, so that they need no memory.
_IN_MEMORY = 2**30
# How wide the bell is that weights the pixels of a tile, as a share of its side: that of nnU-Net.
_SIGMA = 1 / 8
# More tiles are those of a scan whose header states a wrong spacing.
MOST_TILES = 200_000


def starts(side: int, tile: int, overlap: float) -> list[int]:
    """Return where tiles begin along an axis, evenly spread, with at least the overlap; a larger tile is centred.

    Example:
        >>> starts(100, 40, 0.5), starts(30, 40, 0.5)
        ([0, 20, 40, 60], [-5])
    """
    if side <= tile:
        return [-((tile - side) // 2)]
    count = math.ceil((side - tile) / max(1, int(tile * (1 - overlap)))) + 1
    return [round(index * (side - tile) / (count - 1)) for index in range(count)]


@dataclass(frozen=True)
class Tile:
    """One tile: the part of the scan that it lies in, and where it begins there, in the grid of the tiles."""

    part: Place
    corner: tuple[int, ...]


class Tiles(Windows):
    """Overlapping tiles of a picture, of a volume, or of each slice of a volume.

    They are cut from the scan at its own scale, or resampled to the spacing of the model, with intensities normalised
    by all of it. Where the scan is smaller than a tile, it lies in the middle of black borders.

    Args:
        scan: The scan.
        preprocessing: With `fit="tile"`.

    Source: the weights of blended tiles, and that tiles are spread evenly, are nnU-Net's (Isensee et al., 2021).
    """

    def __init__(self, scan: Scan, preprocessing: Preprocessing):
        is_flat = scan.is_volume and len(preprocessing.size) == 2
        super().__init__(scan, preprocessing, range(scan.shape[0]) if is_flat else (...,))
        overlap = preprocessing.overlap if preprocessing.overlap is not None else 0.5
        axes = [starts(*sides, overlap) for sides in zip(self.grid, preprocessing.size, strict=True)]
        if (count := len(self.places) * math.prod(map(len, axes))) > MOST_TILES:
            raise ValueError(
                f"{scan.source} makes {count:,} tiles of {preprocessing.size}; at most {MOST_TILES:,} are taken. Its "
                f"spacing is {scan.spacing} mm, that of the model {preprocessing.spacing}: correct the header, or take "
                "larger tiles or a smaller overlap."
            )
        self.corners = list(product(*axes))
        self.tiles = [Tile(part, corner) for part in self.places for corner in self.corners]

    @cached_property
    def grid(self) -> tuple[int, ...]:
        """Size of each part at the scale that tiles are cut from."""
        return self.preprocessing.resampled(*frame(self.scan, self.places[0]))

    def __len__(self) -> int:
        """Return the number of tiles."""
        return len(self.tiles)

    def inputs(self, margin: int = 0) -> Iterator[np.ndarray]:
        """Yield the tiles, part by part."""
        try:
            steps = self.preprocessing
            adjust = steps.intensity(*thin(self.scan.array, self.scan.padding, steps.channels))
            part: Place | None = None
            for tile in self.tiles:
                if part is None or tile.part != part:
                    part, pixels = tile.part, self._pixels(tile.part)
                cut = self._cut(pixels, tile.corner)
                yield paste(adjust(cut.astype(np.float32)), steps.size, self._offset(tile.corner))
        except ValueError as error:
            raise named(error, self.scan) from error

    def targets(self, target: Any) -> Iterator[np.ndarray]:
        """Yield the part of the mask that each tile shows."""
        check_shape(target, self.scan)
        drawn = self._drawn(target)
        for tile in self.tiles:
            mask = drawn if tile.part is ... else drawn[tile.part]
            yield paste(self._cut(mask, tile.corner), self.preprocessing.size, self._offset(tile.corner))

    def gathered(self) -> Gathered:
        """Return what puts the answers of tiles together as they come."""
        return _Blended(self)

    def slabs(self, answers: np.ndarray) -> Iterator[tuple[Place, Iterator[np.ndarray]]]:
        """Yield the places of the scan with the outputs there; `answers` are those of each part, in its grid."""
        if self.places == (...,):
            yield from Whole(self.scan, self._as_grid).slabs(answers)
            return
        for place, answer in zip(self.places, answers, strict=True):
            yield place, iter(np.moveaxis(self._as_grid.invert(answer, *frame(self.scan, place)), -1, 0))

    @cached_property
    def _as_grid(self) -> Preprocessing:
        """What brings an answer in the grid of the tiles into that of the scan."""
        unset: dict[str, Any] = dict.fromkeys(("spacing", "overlap", "blending", "patches", "foreground"))
        return replace(self.preprocessing, fit="stretch", size=self.grid, **unset)

    def _pixels(self, part: Place) -> np.ndarray:
        steps = self.preprocessing
        pixels = steps.with_channels(self.scan.array[part])
        return pixels if self.grid == frame(self.scan, part)[0] else resize(pixels.astype(np.float32), self.grid)

    def _drawn(self, target: Any) -> np.ndarray:
        """Return the label indices of the scan at the scale of the tiles."""
        if self.places == (...,):
            return target.mask(self.grid)
        return target.mask(None if self.grid == self.scan.shape[1:] else (self.scan.shape[0], *self.grid))

    def _cut(self, values: np.ndarray, corner: Sequence[int]) -> np.ndarray:
        sides = zip(corner, self.preprocessing.size, strict=True)
        return values[tuple(slice(max(0, first), first + side) for first, side in sides)]

    @staticmethod
    def _offset(corner: Sequence[int]) -> tuple[int, ...]:
        return tuple(max(0, -first) for first in corner)


class Patches(Tiles):
    """Tiles for training: some at random places, and a share of them around what is marked, all labels alike.

    The places are drawn once for a scan, from its pixels and its mask, so that a scan is read once, a training that
    goes on sees the same, and the changes of an augmentation make them different in every epoch.

    Args:
        scan: The scan.
        preprocessing: With `fit="tile"` and `patches`.
        target: The mask of the scan.
        labels: How many labels there are, the background among them.
    """

    def __init__(self, scan: Scan, preprocessing: Preprocessing, target: Any, labels: int):
        super().__init__(scan, preprocessing)
        check_shape(target, scan)
        count = preprocessing.patches or 1
        share = 1 / 3 if preprocessing.foreground is None else preprocessing.foreground
        rng = np.random.default_rng(zlib.crc32(np.ascontiguousarray(scan.array).data))
        drawn = self._drawn(target)
        counts = np.bincount(drawn[~ignored_pixels(drawn, labels)], minlength=labels)
        present = 1 + np.flatnonzero(counts[1:labels])
        # Rounded at random, so that over many scans the share is as asked for, also of one patch each.
        around = min(count, int(count * share + rng.random())) if len(present) else 0
        # One label after the other, whose first one changes, so that a small one is not passed over.
        turns = np.resize(rng.permutation(present), around)
        self.tiles = []
        for label, times in zip(*np.unique(turns, return_counts=True), strict=True):
            marked = np.flatnonzero(drawn == label)
            pixels = np.unravel_index(marked[rng.integers(len(marked), size=times)], drawn.shape)
            self.tiles += [self._around(pixel, rng) for pixel in np.transpose(pixels)]
        self.tiles += [self._anywhere(rng) for _ in range(count - around)]

    def _around(self, pixel: np.ndarray, rng: np.random.Generator) -> Tile:
        part: Place = ... if self.places == (...,) else int(pixel[0])
        inside = pixel if part is ... else pixel[1:]
        # Anywhere in the middle half of the tile.
        shares = rng.uniform(0.25, 0.75, len(inside))
        sides = zip(inside, shares, self.preprocessing.size, self.grid, strict=True)
        return Tile(
            part, tuple(self._kept(int(place - share * tile), tile, side) for place, share, tile, side in sides)
        )

    def _anywhere(self, rng: np.random.Generator) -> Tile:
        part = self.places[rng.integers(len(self.places))]
        sides = zip(self.preprocessing.size, self.grid, strict=True)
        return Tile(
            part, tuple(self._kept(int(rng.integers(max(1, side - tile + 1))), tile, side) for tile, side in sides)
        )

    @staticmethod
    def _kept(first: int, tile: int, side: int) -> int:
        return starts(side, tile, 0)[0] if side <= tile else min(max(first, 0), side - tile)


class _Blended(Gathered):
    """Answers of tiles, weighted and added as they come; what no further tile touches is settled and kept.

    Only a band of rows, as high as a tile, is held in float32.

    Args:
        tiles: The tiles.
    """

    def __init__(self, tiles: Tiles):
        super().__init__(len(tiles))
        self._tiles, self._come = tiles, 0
        self._weights = _weights(tiles.preprocessing.size, tiles.preprocessing.blending or "gaussian")
        # Where the band begins: the part of the scan, and the row.
        self._place = (0, 0)

    def add(self, answer: np.ndarray) -> None:
        """Add the answer `(*size, outputs)` of the next tile."""
        tiles, tile = self._tiles, self._tiles.tiles[self._come]
        if not self._come:
            self._start(answer.shape[-1])
        place = tiles.places.index(tile.part), max(0, tile.corner[0])
        if place != self._place:
            self._settle(place[1] if place[0] == self._place[0] else tiles.grid[0])
            self._place = place
        sides = zip(tile.corner, tiles.preprocessing.size, tiles.grid, strict=True)
        # What of the tile lies in the scan, and where.
        inside = tuple(slice(max(0, -first), min(side, grid - first)) for first, side, grid in sides)
        where = [cut.start + first for cut, first in zip(inside, tile.corner, strict=True)]
        where[0] = 0
        there = tuple(slice(first, first + cut.stop - cut.start) for first, cut in zip(where, inside, strict=True))
        weights = self._weights[inside]
        # Output by output, which lie apart from one another, as `slabs` takes them.
        for output in range(answer.shape[-1]):
            self._sum[output][there] += weights * answer[..., output][inside]
        self._total[there] += weights
        self._come += 1

    @property
    def is_done(self) -> bool:
        """Whether all tiles have come."""
        return self._come == self._count

    def result(self) -> np.ndarray:
        """Return the answers `(parts, *grid, outputs)`."""
        self._settle(self._tiles.grid[0])
        return np.moveaxis(self._kept, 1, -1)

    def _start(self, outputs: int) -> None:
        grid = self._tiles.grid
        band = (min(self._tiles.preprocessing.size[0], grid[0]), *grid[1:])
        self._kept = _room((len(self._tiles.places), outputs, *grid))
        self._sum = np.zeros((outputs, *band), np.float32)
        self._total = np.zeros(band, np.float32)

    def _settle(self, until: int) -> None:
        """Keep the rows before `until`, and move the others up."""
        part, first = self._place
        count = min(until - first, len(self._total))
        total = np.maximum(self._total[:count], 1e-12)
        for output, band in enumerate(self._sum):
            self._kept[part, output, first : first + count] = band[:count] / total
        for band in (*self._sum, self._total):
            band[: len(band) - count] = band[count:].copy()
            band[len(band) - count :] = 0
        if isinstance(self._kept, np.memmap):
            # Its pages are in the file; the memory that they take here is given back.
            self._kept._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of zeros: float32 in memory, or where it is too large for that float16 in a file."""
    if math.prod(shape) * 4 <= _IN_MEMORY:
        return np.zeros(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        # It has no name, and is gone with the array.
        return np.memmap(file, np.float16, "w+", shape=shape)


def _weights(size: Sequence[int], blending: str) -> np.ndarray:
    """Return how much each pixel of a tile counts, `size`: its middle most, or all alike."""
    if blending == "constant":
        return np.ones(size, np.float32)
    axes = [np.exp(-0.5 * ((np.arange(side) - (side - 1) / 2) / (side * _SIGMA)) ** 2) for side in size]
    weights = axes[0]
    for axis in axes[1:]:
        weights = weights[..., None] * axis
    # Far corners would otherwise be divided by nearly nothing.
    return np.maximum(weights, weights.max() * 1e-3).astype(np.float32)
