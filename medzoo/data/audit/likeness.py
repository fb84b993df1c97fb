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
from itertools import islice
from typing import NamedTuple

import cv2
import numpy as np

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
# Crops and shifts that are slight: scale of an axis, shear, and the part that both pictures show.
_MOST_SCALE = 1.2
_MOST_SHEAR = 0.05
_LEAST_SHARED = 0.7
# Pictures that one picture is aligned with at most, the nearest ones: that is the slow step.
_ALIGNED = 10
_SIDE = 64
_SQUARE, _EVERYWHERE = np.ones((3, 3), np.uint8), np.ones((_SIDE, _SIDE), np.uint8)
# When an alignment ends: after 20 steps, or when a step gains less than this.
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-3)
_WAVES = 12
# Images, cells of the table of cosines, and pairs that are worked on at a time: some MB each.
_IMAGES = 256
_CELLS = 2**20
_PAIRS = 256


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


def alike(views: np.ndarray) -> list[Likeness]:
    """Return all pairs of images that show one picture.

    Time is quadratic, with one matrix product; memory is not.

    Args:
        views: Thumbnails (images, views, 64, 64) as uint8; a turn and a shift are the same for all views of an image.
    """
    details = np.concatenate([_details(views[start : start + _IMAGES]) for start in range(0, len(views), _IMAGES)])
    candidates = _candidates(*_planes(views))
    found: list[Likeness] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while chunk := list(islice(candidates, 64 * _PAIRS)):
            parts = [chunk[start : start + _PAIRS] for start in range(0, len(chunk), _PAIRS)]
            for likenesses in pool.map(lambda part: _verified(views, details, part), parts):
                found += likenesses
    return found


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
    place = np.arange(_SIDE) - (_SIDE - 1) / 2
    waves = np.cos(np.pi / _SIDE * np.outer(np.arange(_WAVES), place + _SIDE / 2)) * np.hanning(_SIDE + 2)[1:-1]
    return np.stack([waves, np.gradient(waves, axis=1), np.gradient(place * waves, axis=1)]).astype(np.float32)


def _planes(views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each image its frequencies, of length 1, and the basis of the plane of its slightly moved copies.

    Returns:
        (images, views, waves, waves) and (images, 5, views, waves, waves).
    """
    projections = _projections()
    # The higher the frequency the weaker it is in pictures, and the more it tells them apart.
    weights = np.hypot(*np.mgrid[:_WAVES, :_WAVES]).astype(np.float32)
    waves, planes = [], []
    for start in range(0, len(views), _IMAGES):
        pixels = views[start : start + _IMAGES].astype(np.float32)
        pixels -= pixels.mean(axis=(-2, -1), keepdims=True)
        moves = [(0, 0), (1, 0), (0, 1), (2, 0), (0, 2)]
        maps = np.stack([projections[y] @ (pixels @ projections[x].T) for y, x in moves], axis=1) * weights
        maps /= np.maximum(np.sqrt((maps**2).sum(axis=(-3, -2, -1), keepdims=True)), 1e-6)
        basis = np.linalg.qr(maps.reshape(*maps.shape[:2], -1).swapaxes(1, 2))[0].swapaxes(1, 2)
        waves.append(maps[:, 0])
        planes.append(basis.reshape(maps.shape))
    return np.concatenate(waves), np.concatenate(planes)


def _candidates(waves: np.ndarray, planes: np.ndarray) -> Iterator[_Candidate]:
    """Yield pairs of images of which one lies near the plane of the other, in the turn that brings it nearest."""
    vectors = waves.reshape(len(waves), -1)
    block = max(1, _CELLS // len(waves))
    for start in range(0, len(waves), block):
        best: dict[tuple[int, int], _Candidate] = {}
        for turn in range(len(TURNS)):
            ours = _turned_waves(waves[start : start + block], turn).reshape(-1, vectors.shape[1])
            bases = _turned_waves(planes[start : start + block], turn).reshape(len(ours), -1, vectors.shape[1])
            close = ours @ vectors[start:].T >= _LEAST_COSINE
            for row, basis in enumerate(bases):
                others = np.flatnonzero(close[row, row + 1 :]) + start + row + 1
                nearness = np.linalg.norm(vectors[others] @ basis.T, axis=1)
                for place in np.flatnonzero(nearness >= _LEAST_NEARNESS):
                    pair = _Candidate(start + row, int(others[place]), turn, float(nearness[place]))
                    if pair[:2] not in best or best[pair[:2]].nearness < pair.nearness:
                        best[pair[:2]] = pair
        yield from sorted(best.values(), key=lambda pair: (pair.first, -pair.nearness))


def _details(views: np.ndarray) -> np.ndarray:
    """Return the fine structure of thumbnails, its strong edges damped, as int8; 32 is the standard deviation."""
    return np.stack([np.stack([_quantised(_detail(view.astype(np.float32))) for view in image]) for image in views])


def _detail(view: np.ndarray) -> np.ndarray:
    band = cv2.GaussianBlur(view, (0, 0), 0.7) - cv2.GaussianBlur(view, (0, 0), 3)
    return np.copysign(np.sqrt(np.abs(band)), band)


def _quantised(detail: np.ndarray) -> np.ndarray:
    detail = detail - detail.mean()
    return np.clip(np.round(detail * (32 / max(float(detail.std()), 1e-6))), -127, 127).astype(np.int8)


def _verified(views: np.ndarray, details: np.ndarray, pairs: Sequence[_Candidate]) -> list[Likeness]:
    """Return those of the pairs that show one picture."""
    found = []
    aligned: Counter[int] = Counter()
    for pair in pairs:
        value = _correlation(turned(details[pair.first], pair.turn), details[pair.second])
        is_moved = value < LEAST_LIKENESS
        if is_moved and aligned[pair.first] < _ALIGNED:
            aligned[pair.first] += 1
            value = _aligned_correlation(turned(views[pair.first], pair.turn), views[pair.second])
        if value >= LEAST_LIKENESS:
            found.append(Likeness(pair.first, pair.second, pair.turn, is_moved, round(value, 4)))
    return found


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of pixels of mean 0."""
    one, other = one.astype(np.float32).ravel(), other.astype(np.float32).ravel()
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))


def _aligned_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation of the fine structure of views (views, 64, 64) where both show something, once aligned.

    It is 0 where more than a slight shift and crop would be needed.
    """
    one, other = one.astype(np.float32), other.astype(np.float32)
    middle = len(one) // 2
    start = np.eye(2, 3, dtype=np.float32)
    fixed, moving = np.ascontiguousarray(one[middle]), other[middle]
    try:
        affine = np.asarray(cv2.findTransformECC(fixed, moving, start, cv2.MOTION_AFFINE, _STOP, _EVERYWHERE, 5)[1])
    # The two have nothing in common that could be aligned.
    except cv2.error:
        return 0.0
    scales, shears = np.abs([affine[0, 0], affine[1, 1]]), np.abs([affine[0, 1], affine[1, 0]])
    shared = cv2.erode(_warped(np.ones((_SIDE, _SIDE), np.float32), affine, cv2.BORDER_CONSTANT), _SQUARE) > 0
    shared[[0, 1, -2, -1]] = shared[:, [0, 1, -2, -1]] = False
    if max(*scales, *(1 / scales)) > _MOST_SCALE or shears.max() > _MOST_SHEAR or shared.mean() < _LEAST_SHARED:
        return 0.0
    theirs = [_detail(_warped(view, affine, cv2.BORDER_REPLICATE))[shared] for view in other]
    ours = [_detail(np.ascontiguousarray(view))[shared] for view in one]
    return _correlation(*(np.concatenate([pixels - pixels.mean() for pixels in side]) for side in (ours, theirs)))


def _warped(view: np.ndarray, affine: np.ndarray, border: int) -> np.ndarray:
    return cv2.warpAffine(
        view, affine, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=border
    )
