"""How far the surface and the size of a predicted structure lie from the true one."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

DISTANCE_RULE = (
    "A structure that is missing in the true or in the predicted mask of a case, or in both, has no surface distance "
    "there: the case is left out of the means and counted under distances. Where one mask alone lacks it, "
    "hd95_penalized takes the diagonal of the image, the largest distance there can be. The volume error counts every "
    "case, the relative one those that truly hold the structure."
)


def measure(
    true: np.ndarray, predicted: np.ndarray, labels: Iterable[str], spacing: Sequence[float] | np.ndarray | None
) -> dict[str, float]:
    """Return distances and size errors of every foreground label of one case.

    Args:
        true: Label indices `([depth,] height, width)`.
        predicted: The same for the prediction.
        labels: Names of the labels, background first.
        spacing: Size of a pixel in mm along every axis, or as in `Scan.steps` the way to the next pixel along every
            axis `(axes, axes)`; None for distances in pixels or voxels.

    Returns:
        For each label `hd95_mm/<label>` and `assd_mm/<label>`, NaN where one mask lacks it;
        `hd95_penalized_mm/<label>`, the diagonal of the image where only one lacks it; `volume_error_mm3/<label>`,
        predicted minus true, and `relative_volume_error/<label>`, its share of the truth, NaN where that is empty.
        For pictures `area_error_mm2` and `relative_area_error`. Without spacing the units are `px` or `voxels`.
    """
    size, unit = ("area", "px") if true.ndim == 2 else ("volume", "voxels")
    length, content = (unit, unit) if spacing is None else ("mm", f"mm{true.ndim}")
    steps = _steps(true.ndim, spacing)
    # Twelve digits, since a determinant of whole numbers is not whole.
    pixel, diagonal = abs(float(f"{np.linalg.det(steps):.12g}")), _diagonal(true.shape, steps)
    measures = {}
    for index, label in list(enumerate(labels))[1:]:
        masks = true == index, predicted == index
        pixels, excess = masks[0].sum(), float(masks[1].sum()) - float(masks[0].sum())
        apart = surface_distances(*masks, spacing)
        measures[f"hd95_{length}/{label}"] = hd95(apart)
        one_only = masks[0].any() != masks[1].any()
        measures[f"hd95_penalized_{length}/{label}"] = diagonal if one_only else hd95(apart)
        measures[f"assd_{length}/{label}"] = assd(apart)
        measures[f"{size}_error_{content}/{label}"] = excess * pixel
        measures[f"relative_{size}_error/{label}"] = excess / pixels if pixels else np.nan
    return measures


def surface_distances(
    true: np.ndarray, predicted: np.ndarray, spacing: Sequence[float] | np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances between the surfaces of two masks, in both directions.

    The surface is made of the pixels that share a side with one outside the structure, or lie at the edge of the image.
    A search tree over the surface takes a hundredth of the memory of a distance map of the volume.

    Args:
        true: Whether a pixel belongs to the structure, `([depth,] height, width)` bool.
        predicted: The same for the prediction.
        spacing: As in `measure`.

    Returns:
        From each pixel of the true surface to the nearest of the predicted one, and the reverse; both are empty if one
        of the masks is.

    Raises:
        ValueError: The shapes differ, or the spacing is not one number above 0 for every axis.

    Example:
        >>> true, predicted = np.zeros((2, 5, 5), bool)
        >>> true[1, 1], predicted[1, 3] = True, True
        >>> surface_distances(true, predicted, spacing=(1.0, 0.5))
        (array([1.]), array([1.]))
    """
    if true.shape != predicted.shape:
        raise ValueError(f"Masks must have one shape; got {true.shape} and {predicted.shape}.")
    steps = _steps(true.ndim, spacing)
    if not true.any() or not predicted.any():
        return np.empty(0), np.empty(0)
    points = [_surface(mask) @ steps for mask in (true, predicted)]
    return _nearest(points[0], points[1]), _nearest(points[1], points[0])


def _steps(axes: int, spacing: Sequence[float] | np.ndarray | None) -> np.ndarray:
    """Return the way to the next pixel along every axis `(axes, axes)`."""
    sizes = np.ones(axes) if spacing is None else np.asarray(spacing, np.float64)
    steps = np.diag(sizes) if sizes.ndim == 1 and (sizes > 0).all() else sizes
    if steps.shape != (axes, axes) or not abs(np.linalg.det(steps)) > 0:
        raise ValueError(f"`spacing` must be one number above 0 for every axis; got {sizes.tolist()} for {axes} axes.")
    return steps


def _diagonal(shape: tuple[int, ...], steps: np.ndarray) -> float:
    """Return the longest diagonal of an image in mm."""
    signs = itertools.product((1, -1), repeat=len(shape))
    return max(float(np.linalg.norm((np.array(shape) * sign) @ steps)) for sign in signs)


def hd95(distances: tuple[np.ndarray, np.ndarray]) -> float:
    """95th percentile of the Hausdorff distance, the larger one of both directions; NaN for an empty mask.

    Source:
        Maier-Hein et al., "Metrics reloaded", 2024 (arXiv 2206.01653).
    """
    return max(float(np.percentile(values, 95)) if values.size else np.nan for values in distances)


def assd(distances: tuple[np.ndarray, np.ndarray]) -> float:
    """Average symmetric surface distance: the mean over the pixels of both surfaces; NaN for an empty mask."""
    both = np.concatenate(distances)
    return float(both.mean()) if both.size else np.nan


def _nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    from scipy.spatial import cKDTree

    return cKDTree(others, balanced_tree=False).query(points)[0]


def _surface(mask: np.ndarray) -> np.ndarray:
    """Return the indices `(pixels, axes)` of the pixels of the surface."""
    from scipy.ndimage import binary_erosion

    box = _box(mask)
    inside = mask[box]
    corner = [part.start for part in box]
    return np.argwhere(inside & ~binary_erosion(inside)) + corner


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    """Return the smallest box around a mask, so that the work grows with the structure and not with the volume."""
    axes = range(mask.ndim)
    filled = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return tuple(slice(int(places[0]), int(places[-1]) + 1) for places in filled)
