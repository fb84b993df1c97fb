"""The alignment of thumbnails of which one is slightly cropped or shifted, and how alike their fine structure is."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

# Alignment makes neighbouring slices more alike, too: more is asked than of pictures that lie alike.
LEAST_MOVED = 0.965
SIDE = 64
# Crops and shifts that are slight: scale of an axis, shear, and the part that both pictures show.
_MOST_SCALE = 1.2
_MOST_SHEAR = 0.05
_LEAST_SHARED = 0.6
# At half the size; what is less alike is no copy.
_LEAST_COARSE = 0.85
# Where a shift may have left a strip that was filled.
_MARGIN = 2
_INSIDE = np.pad(np.ones((SIDE - 2 * _MARGIN,) * 2, np.float32), _MARGIN)
_STILL = np.eye(2, 3, dtype=np.float32)
# When an alignment ends: after 8 steps, or when a step gains less than this.
_STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 1e-3)


def fine_structure(views: np.ndarray) -> np.ndarray:
    """Return a band of higher frequencies of views (images, views, 64, 64), its strong edges damped."""
    sharp, soft = (
        np.stack([cv2.GaussianBlur(view, (0, 0), sigma) for view in views.reshape(-1, SIDE, SIDE)])
        for sigma in (0.7, 3)
    )
    band = (sharp - soft).reshape(views.shape)
    return np.copysign(np.sqrt(np.abs(band)), band)


def aligned_correlations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the correlation of the fine structure of each pair after alignment, (pairs,): on what both show.

    The first view says how an image was moved. It is aligned at half the size, and what is then alike at the whole.
    """
    warps = [_alignment(one[0], other[0], _STILL, step=2) for one, other in zip(ours, theirs, strict=True)]
    values = _moved_correlations(ours, theirs, warps)
    close = {place: warp for place, warp in enumerate(warps) if _LEAST_COARSE <= values[place] < LEAST_MOVED}
    places = list(close)
    better = [
        warp if warp is None else _alignment(ours[at, 0], theirs[at, 0], warp, step=1) for at, warp in close.items()
    ]
    values[places] = _moved_correlations(ours[places], theirs[places], better)
    return values


def _alignment(picture: np.ndarray, other: np.ndarray, warp: np.ndarray, step: int) -> np.ndarray | None:
    """Return the affine map from a picture to another, (2, 3), or None if it is more than a slight crop and shift.

    Args:
        picture: Thumbnail (64, 64) as float32.
        other: The same of the other image.
        warp: Map to begin with.
        step: Pixels that are one pixel of the size at which the two are aligned.
    """
    side = (SIDE - 2 * _MARGIN) // step
    fixed, moving = (
        cv2.resize(view[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN], (side, side), interpolation=cv2.INTER_AREA)
        for view in (picture, other)
    )
    # Of the first pixel at that size.
    centre = _MARGIN + (step - 1) / 2
    start, everywhere = warp.copy(), np.ones((side, side), np.uint8)
    start[:, 2] = (warp[:, 2] - centre * (1 - warp[:, 0] - warp[:, 1])) / step
    try:
        found = np.asarray(cv2.findTransformECC(fixed, moving, start, cv2.MOTION_AFFINE, _STOP, everywhere, 3)[1])
    # The two have nothing in common that could be aligned.
    except cv2.error:
        return None
    scales, shears = np.abs([found[0, 0], found[1, 1]]), np.abs([found[0, 1], found[1, 0]])
    if max(*scales, *(1 / scales)) > _MOST_SCALE or shears.max() > _MOST_SHEAR:
        return None
    found[:, 2] = step * found[:, 2] + centre * (1 - found[:, 0] - found[:, 1])
    return found


def _moved_correlations(ours: np.ndarray, theirs: np.ndarray, warps: Sequence[np.ndarray | None]) -> np.ndarray:
    """Return the correlation of the fine structure of pairs whose second is moved by its map; 0 without one."""
    values = np.zeros(len(ours))
    known = {place: warp for place, warp in enumerate(warps) if warp is not None}
    if known:
        places = list(known)
        shared = np.stack([_shared(warp) for warp in known.values()])[:, None]
        moved = np.stack([[_warped(view, warp) for view in theirs[place]] for place, warp in known.items()])
        # Filled before, so that what only one shows has no influence; filled after, so that it does not count.
        details = [_filled(fine_structure(_filled(views, shared)), shared) for views in (ours[places], moved)]
        values[places] = correlations(*details) * (shared.mean(axis=(1, 2, 3)) >= _LEAST_SHARED)
    return values


def _warped(view: np.ndarray, warp: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(view, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _shared(warp: np.ndarray) -> np.ndarray:
    """Return which pixels the other picture shows as well, without the margins, (64, 64)."""
    return _INSIDE * (_warped(_INSIDE, warp) > 0.999)


def _filled(views: np.ndarray, shared: np.ndarray) -> np.ndarray:
    """Return views whose pixels that are not shared have the mean of the others."""
    sums, counts = (views * shared).sum(axis=(-2, -1), keepdims=True), shared.sum(axis=(-2, -1), keepdims=True)
    return np.where(shared > 0, views, sums / np.maximum(counts, 1))


def correlations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Return the correlation of each image, all its views, with the same one of the other, (images,)."""
    one, other = (side.reshape(len(side), -1).astype(np.float32) for side in (ours, theirs))
    one, other = one - one.mean(axis=1, keepdims=True), other - other.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.einsum("px,px->p", one, other) / np.maximum(lengths, 1e-6)
