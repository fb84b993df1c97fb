"""Pairs of thumbnails that show one picture, also mirrored, turned by quarters, slightly cropped or shifted.

Every picture is described by its lowest frequencies and by how these change when it is shifted or scaled a little.
These five vectors span what its cropped copies look like. What lies near that plane, in any of the 8 ways to turn and
mirror a picture, is a candidate. Candidates are aligned and compared by their fine structure: the outline of a skull or
of an ultrasound fan, which is much the same in all images, counts little.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import cv2
import numpy as np

from medzoo.data.audit.alignment import LEAST_MOVED, SIDE, aligned_correlations, correlations, fine_structure

# How one picture of a pair differs from the other, by the number of its turn.
TURNS = (
    "",
    "mirrored",
    "mirrored",
    "turned by 180 degrees",
    "mirrored and turned by 90 degrees",
    "turned by 90 degrees",
    "turned by 90 degrees",
    "mirrored and turned by 90 degrees",
)
# The same for what is found only by aligning the two.
MOVED = "shifted or cropped"
# Chosen on 7,019 brain MR slices whose copies are known: neighbouring slices of one patient stay below the last.
_LEAST_COSINE = 0.6
_LEAST_NEARNESS = 0.9
LEAST_LIKENESS = 0.955
# Pictures that one picture is aligned with at most, the nearest ones: that is the slow step.
_ALIGNED = 10
_WAVES = 12
# The picture itself, and what a shift and a change of scale make of it, down and across: rows of `_projections`.
_MOVES = ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2))
# Images, and pairs, that are worked on at a time: some MB each.
_IMAGES = 32
_PAIRS = 32


class Likeness(NamedTuple):
    """Two thumbnails that show one picture.

    Args:
        first: Index of one image.
        second: Index of the other, larger than `first`.
        turn: How they differ, an index of `TURNS`.
        moved: Whether they match only after alignment: one is shifted or cropped.
        value: Correlation of their fine structure, at most 1.
    """

    first: int
    second: int
    turn: int
    moved: bool
    value: float


class _Candidate(NamedTuple):
    first: int
    second: int
    turn: int
    nearness: float


def alike(views: Sequence[np.ndarray]) -> list[Likeness]:
    """Return all pairs of images that show one picture.

    Time is quadratic (10 s for 7,000 images on two cores); memory is not: 8 kB an image beside the thumbnails.

    Args:
        views: Of each image as many thumbnails (views, 64, 64) as uint8; a turn and a shift are the same for all of
            them.
    """
    details, (waves, planes) = _details(views), _planes(views)

    def search(start: int) -> list[Likeness]:
        return list(_verified(views, details, _candidates(waves, planes, start, start + _IMAGES)))

    with _one_thread_each(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return [pair for found in pool.map(search, range(0, len(views), _IMAGES)) for pair in found]


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let NumPy's products and OpenCV use one thread: on work this small their own threads only wait for each other."""
    from threadpoolctl import threadpool_limits

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(threads)


def turned(picture: np.ndarray, turn: int) -> np.ndarray:
    """Return pictures (..., height, width) in one of the 8 ways to turn and mirror them."""
    picture = np.swapaxes(picture, -1, -2) if turn & 4 else picture
    return picture[..., :: -1 if turn & 2 else 1, :: -1 if turn & 1 else 1]


def _turned_waves(waves: np.ndarray, turn: int) -> np.ndarray:
    """Return frequencies (..., rows, columns) of pictures as those of the turned pictures."""
    waves = np.swapaxes(waves, -1, -2) if turn & 4 else waves
    signs = (-1.0) ** np.arange(_WAVES, dtype=np.float32)
    waves = waves * signs[:, None] if turn & 2 else waves
    return waves * signs if turn & 1 else waves


def _projections() -> np.ndarray:
    """Return cosines in a window, and what a shift and a change of scale make of them, (3, waves, 64).

    A derivative of the picture is minus that of the waves, since the window ends at zero.
    """
    place = np.arange(SIDE) - (SIDE - 1) / 2
    waves = np.cos(np.pi / SIDE * np.outer(np.arange(_WAVES), place + SIDE / 2)) * np.hanning(SIDE + 2)[1:-1]
    return np.stack([waves, np.gradient(waves, axis=1), np.gradient(place * waves, axis=1)]).astype(np.float32)


def _planes(views: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return of each image its frequencies, of length 1, and the basis of the plane of its slightly moved copies.

    Returns:
        (images, views, waves, waves) and (images, 5, views, waves, waves).
    """
    projections = _projections()
    # The higher the frequency the weaker it is in pictures, and the more it tells them apart.
    weights = np.hypot(*np.mgrid[:_WAVES, :_WAVES]).astype(np.float32)
    waves = np.empty((len(views), len(views[0]), _WAVES, _WAVES), np.float32)
    planes = np.empty((len(views), len(_MOVES), *waves.shape[1:]), np.float32)
    for some, pixels in _some(views):
        pixels -= pixels.mean(axis=(-2, -1), keepdims=True)
        maps = np.stack([projections[y] @ (pixels @ projections[x].T) for y, x in _MOVES], axis=1) * weights
        maps /= np.maximum(np.sqrt((maps**2).sum(axis=(-3, -2, -1), keepdims=True)), 1e-6)
        basis = np.linalg.qr(maps.reshape(*maps.shape[:2], -1).swapaxes(1, 2))[0].swapaxes(1, 2)
        waves[some], planes[some] = maps[:, 0], basis.reshape(maps.shape)
    return waves, planes


def _some(views: Sequence[np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield where some images lie among all, and their thumbnails as float32."""
    for start in range(0, len(views), _IMAGES):
        some = slice(start, start + _IMAGES)
        yield some, np.stack(views[some]).astype(np.float32)


def _candidates(waves: np.ndarray, planes: np.ndarray, start: int, stop: int) -> list[_Candidate]:
    """Return pairs of an image from `start` to `stop` and a later one near its plane, the nearest pairs first.

    Each has the turn that brings it nearest.
    """
    vectors = waves.reshape(len(waves), -1)
    best: dict[tuple[int, int], _Candidate] = {}
    for turn in range(len(TURNS)):
        ours = _turned_waves(waves[start:stop], turn).reshape(-1, vectors.shape[1])
        bases = _turned_waves(planes[start:stop], turn).reshape(len(ours), -1, vectors.shape[1])
        rows, others = np.nonzero(ours @ vectors[start:].T >= _LEAST_COSINE)
        rows, others = rows[others > rows], others[others > rows] + start
        ends = np.searchsorted(rows, np.arange(len(ours) + 1))
        inside = [vectors[others[a:b]] @ basis.T for basis, a, b in zip(bases, ends, ends[1:], strict=False)]
        nearness = np.linalg.norm(np.concatenate(inside), axis=1)
        for place in np.flatnonzero(nearness >= _LEAST_NEARNESS):
            pair = _Candidate(start + int(rows[place]), int(others[place]), turn, float(nearness[place]))
            if pair[:2] not in best or best[pair[:2]].nearness < pair.nearness:
                best[pair[:2]] = pair
    return sorted(best.values(), key=lambda pair: -pair.nearness)


def _details(views: Sequence[np.ndarray]) -> np.ndarray:
    """Return the fine structure of thumbnails (images, views, 64, 64) as int8; 32 is its standard deviation."""
    whole = np.empty((len(views), *views[0].shape), np.int8)
    for some, pixels in _some(views):
        details = fine_structure(pixels)
        details -= details.mean(axis=(-2, -1), keepdims=True)
        details *= 32 / np.maximum(details.std(axis=(-2, -1), keepdims=True), 1e-6)
        whole[some] = np.clip(np.round(details), -127, 127)
    return whole


def _verified(views: Sequence[np.ndarray], details: np.ndarray, pairs: Sequence[_Candidate]) -> Iterator[Likeness]:
    """Yield the pairs that show one picture: as they lie, or else aligned."""
    rest: list[_Candidate] = []
    for part in _parts(pairs):
        ours = np.stack([turned(details[pair.first], pair.turn) for pair in part])
        values = correlations(ours, details[[pair.second for pair in part]])
        yield from _likenesses(part, values, LEAST_LIKENESS, is_moved=False)
        rest += [pair for pair, value in zip(part, values, strict=True) if value < LEAST_LIKENESS]
    for part in _parts(_nearest(rest)):
        ours = np.stack([turned(views[pair.first], pair.turn) for pair in part]).astype(np.float32)
        theirs = np.stack([views[pair.second] for pair in part]).astype(np.float32)
        values = aligned_correlations(ours, theirs)
        yield from _likenesses(part, values, LEAST_MOVED, is_moved=True)


def _nearest(pairs: Sequence[_Candidate]) -> list[_Candidate]:
    """Return the first pairs of each image, as many as are aligned."""
    count: Counter[int] = Counter()
    nearest = []
    for pair in pairs:
        count[pair.first] += 1
        if count[pair.first] <= _ALIGNED:
            nearest.append(pair)
    return nearest


def _parts(pairs: Sequence[_Candidate]) -> Iterator[Sequence[_Candidate]]:
    return (pairs[start : start + _PAIRS] for start in range(0, len(pairs), _PAIRS))


def _likenesses(pairs: Sequence[_Candidate], values: np.ndarray, least: float, is_moved: bool) -> Iterator[Likeness]:
    for pair, value in zip(pairs, values.tolist(), strict=True):
        if value >= least:
            yield Likeness(pair.first, pair.second, pair.turn, is_moved, round(value, 4))
