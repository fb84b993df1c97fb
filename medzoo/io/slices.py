"""The place of DICOM slices in the patient."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

_PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_SAME_PLACE = 1e-3  # mm
_UNEVEN = 0.05  # of the mean distance


def arrange(headers: Sequence[Dataset], source: str) -> tuple[list[int], np.ndarray | None]:
    """Sort slices along their normal, or by InstanceNumber if one of them does not state its position.

    Args:
        headers: One header a slice.
        source: What messages call the series.

    Returns:
        Indices in ascending order along the normal, and the affine `(4, 4)` in RAS for voxels `(column, row, slice)` in
        that order; None without positions.

    Raises:
        ValueError: Slices have different directions, or two lie at the same place.
    """
    if not all(header.get(keyword) for header in headers for keyword in _PLACE):
        return sorted(range(len(headers)), key=lambda index: int(headers[index].get("InstanceNumber") or 0)), None
    _check_directions(headers, source)
    row, column = _directions(headers[0])
    heights = np.array([_position(header) for header in headers]) @ np.cross(row, column)
    order = np.argsort(heights, kind="stable").tolist()
    _check_distances(np.diff(heights[order]), source)
    return order, slice_affine([headers[index] for index in order])


def slice_affine(headers: Sequence[Dataset]) -> np.ndarray | None:
    """Return the affine `(4, 4)` in RAS for voxels `(column, row, slice)` of sorted slices; None without positions.

    Source:
        https://nipy.org/nibabel/dicom/dicom_orientation.html
    """
    first, last = headers[0], headers[-1]
    if not all(first.get(keyword) for keyword in _PLACE):
        return None
    row, column = _directions(first)
    row_spacing, column_spacing = (float(size) for size in first.PixelSpacing)
    if len(headers) > 1:
        step = (_position(last) - _position(first)) / (len(headers) - 1)
    else:
        step = np.cross(row, column) * float(first.get("SliceThickness") or 1)
    affine = np.eye(4)
    affine[:3] = np.column_stack([row * column_spacing, column * row_spacing, step, _position(first)])
    # DICOM counts towards left and posterior, NIfTI towards right and anterior.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _directions(header: Dataset) -> np.ndarray:
    return np.array(header.ImageOrientationPatient, float).reshape(2, 3)


def _position(header: Dataset) -> np.ndarray:
    return np.array(header.ImagePositionPatient, float)


def _check_directions(headers: Sequence[Dataset], source: str) -> None:
    directions = np.array([_directions(header) for header in headers])
    if np.abs(directions - directions[0]).max() > 1e-3:
        raise ValueError(
            f"{source} has slices in different directions, as localizers have; expected parallel ones. "
            "Pass its files one by one, or keep the slices of one direction in a folder."
        )


def _check_distances(distances: np.ndarray, source: str) -> None:
    same = int((distances < _SAME_PLACE).sum())
    if same:
        raise ValueError(
            f"{source} has {same} slices at the place of another (a 4D series, or copies); expected one volume. "
            "Keep one time point or echo in a folder."
        )
    if np.ptp(distances) > _UNEVEN * distances.mean():
        warnings.warn(
            f"{source}: slices are {distances.min():.2f} to {distances.max():.2f} mm apart (is one missing?); "
            "the affine uses the mean.",
            stacklevel=2,
        )
