"""The place of DICOM slices in the patient: whatever moves one by more than a tenth of a pixel is said or refused."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

_SAME_PLACE = 1e-3  # mm
_UNEVEN = 0.05  # of the mean distance
_OFF = 0.1  # of a pixel
_ROUNDING = 0.01  # mm
_SAME_SPACING = 1e-3  # of a pixel
_RIGHT_ANGLE = 1e-2
# What is equal in all slices of an acquisition.
_ACQUISITION: tuple[str, ...] = (
    "AcquisitionNumber",
    "TemporalPositionIdentifier",
    "EchoTime",
    "DiffusionBValue",
    "ConvolutionKernel",
)
_ACQUISITION += ("ImageType", "SliceThickness")


class Place(NamedTuple):
    """Where the first pixel of a slice lies, in mm, and the directions of its rows and columns; LPS."""

    position: np.ndarray
    row: np.ndarray
    column: np.ndarray


def numbers(header: Dataset, keyword: str, count: int) -> np.ndarray | None:
    """Return the numbers of an element; None where they are missing, not as many, or not finite."""
    try:
        values = np.array(header.get(keyword), float).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        return None
    return values if len(values) == count and np.isfinite(values).all() else None


def place_of(header: Dataset) -> Place | None:
    """Return the place of a slice; None where the header does not state it, or not with two directions."""
    position, directions = numbers(header, "ImagePositionPatient", 3), numbers(header, "ImageOrientationPatient", 6)
    if position is None or directions is None:
        return None
    row, column = directions.reshape(2, 3)
    is_frame = np.abs([row @ row - 1, column @ column - 1, row @ column]).max() < _RIGHT_ANGLE
    return Place(position, row, column) if is_frame else None


def spacing_of(header: Dataset) -> tuple[float, float] | None:
    """Return the distances of rows and of columns in mm; None where PixelSpacing is missing, or is no size."""
    sizes = numbers(header, "PixelSpacing", 2)
    return None if sizes is None or sizes.min() <= 0 else (float(sizes[0]), float(sizes[1]))


def arrange(headers: Sequence[Dataset], source: str, in_order: bool = False) -> tuple[list[int], np.ndarray | None]:
    """Sort slices along their normal, or by InstanceNumber if none of them states its position.

    Args:
        headers: One header a slice.
        source: What messages call the series.
        in_order: Whether they are frames of one file, whose order is kept where it runs straight against the normal.

    Returns:
        Indices in ascending order along the normal, and the affine `(4, 4)` in RAS for voxels `(column, row, slice)` in
        that order; None without positions or spacing, which is a warning.

    Raises:
        ValueError: Only some slices state their place, they have different directions or spacings, two lie at the same
            place, or they lie on no line.
    """
    if len(headers) == 1:
        return [0], slice_affine(headers[0])
    places = [place_of(header) for header in headers]
    known = [place for place in places if place is not None]
    if not known:
        _warn(
            source, f"none of its {len(headers)} slices states a valid ImagePositionPatient and ImageOrientationPatient"
        )
        return sorted(range(len(headers)), key=lambda index: int(headers[index].get("InstanceNumber") or 0)), None
    if len(known) < len(headers):
        raise ValueError(
            f"{source}: {_names(headers, [place is None for place in places])} of {len(headers)} slices state no valid "
            "ImagePositionPatient and ImageOrientationPatient; expected all to. Take them out of the folder."
        )
    _check_directions(known, source)
    _check_frames_of_reference(headers, source)
    spacing = _common_spacing(headers, source)
    normal = np.cross(known[0].row, known[0].column)
    heights = np.array([place.position for place in known]) @ normal
    order = np.argsort(heights, kind="stable").tolist()
    positions = np.array([known[index].position for index in order])
    _check_distances(np.diff(heights[order]), source)
    _check_line(positions, normal, max(_OFF * min(spacing or (1.0,)), _ROUNDING), source)
    _check_acquisitions([headers[index] for index in order], source)
    if in_order and order == list(range(len(headers)))[::-1]:
        order, positions = order[::-1], positions[::-1]
    step = (positions[-1] - positions[0]) / (len(headers) - 1)
    return order, None if spacing is None else _affine(known[order[0]], spacing, step)


def slice_affine(header: Dataset) -> np.ndarray | None:
    """Return the affine `(4, 4)` in RAS of a single slice; None without position or spacing."""
    place, spacing = place_of(header), spacing_of(header)
    if place is None or spacing is None:
        return None
    thickness = numbers(header, "SliceThickness", 1)
    depth = float(thickness[0]) if thickness is not None and thickness[0] > 0 else 1.0
    return _affine(place, spacing, np.cross(place.row, place.column) * depth)


def _affine(place: Place, spacing: tuple[float, float], step: np.ndarray) -> np.ndarray:
    """Return the affine in RAS for voxels `(column, row, slice)`.

    Source:
        https://nipy.org/nibabel/dicom/dicom_orientation.html
    """
    affine = np.eye(4)
    affine[:3] = np.column_stack([place.row * spacing[1], place.column * spacing[0], step, place.position])
    # DICOM counts towards left and posterior, NIfTI towards right and anterior.
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine


def _warn(source: str, reason: str) -> None:
    warnings.warn(
        f"{source}: {reason}; slices are taken in their order, millimetres are not known, and the answer lies at no "
        "place in the patient.",
        stacklevel=3,
    )


def _names(headers: Sequence[Dataset], chosen: Sequence[bool]) -> str:
    """Return how many slices are chosen, and the file or the number of the first."""
    first = list(chosen).index(True)
    file = getattr(headers[first], "filename", None)
    return f"{sum(chosen)} ({os.path.basename(file) if file else f'number {first + 1}'}{', ...' * (sum(chosen) > 1)})"


def _common_spacing(headers: Sequence[Dataset], source: str) -> tuple[float, float] | None:
    spacings = [spacing_of(header) for header in headers]
    if not any(spacings):
        _warn(source, "its slices state no valid PixelSpacing")
        return None
    usual = np.median([spacing for spacing in spacings if spacing], axis=0)
    odd = [spacing is None or not np.allclose(spacing, usual, rtol=_SAME_SPACING, atol=0) for spacing in spacings]
    if any(odd):
        raise ValueError(
            f"{source}: {_names(headers, odd)} of {len(headers)} slices have another PixelSpacing than "
            f"{usual[0]:g} x {usual[1]:g} mm, or none. Keep the slices of one spacing in a folder."
        )
    return next(spacing for spacing in spacings if spacing)


def _check_directions(places: Sequence[Place], source: str) -> None:
    directions = np.array([(place.row, place.column) for place in places])
    if np.abs(directions - directions[0]).max() > 1e-3:
        raise ValueError(
            f"{source} has slices in different directions, as localizers have; expected parallel ones. "
            "Pass its files one by one, or keep the slices of one direction in a folder."
        )


def _check_frames_of_reference(headers: Sequence[Dataset], source: str) -> None:
    frames = {str(header.get("FrameOfReferenceUID") or "") for header in headers} - {""}
    if len(frames) > 1:
        raise ValueError(
            f"{source} has slices in {len(frames)} frames of reference, whose positions cannot be compared. "
            "Keep the slices of one (FrameOfReferenceUID) in a folder."
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
            stacklevel=3,
        )


def _check_line(positions: np.ndarray, normal: np.ndarray, tolerance: float, source: str) -> None:
    """Refuse slices that lie beside the line from the first to the last, and tell if it leaves them at an angle."""
    way = positions[-1] - positions[0]
    shares = (positions - positions[0]) @ normal / (way @ normal)
    off = np.linalg.norm(positions - positions[0] - np.outer(shares, way), axis=1).max()
    if off > tolerance:
        raise ValueError(
            f"{source} has slices {off:.2f} mm beside the line of the others; expected a straight stack. "
            "Keep the slices of one stack in a folder, or resample it."
        )
    aside = np.linalg.norm(way - (way @ normal) * normal)
    if aside > tolerance:
        warnings.warn(
            f"{source}: its slices are shifted by a gantry tilt of {np.degrees(np.arctan2(aside, way @ normal)):.1f} "
            "degrees. Volumes are right; viewers that know no shear show the volume as if it were straight.",
            stacklevel=3,
        )


def _check_acquisitions(headers: Sequence[Dataset], source: str) -> None:
    for keyword in _ACQUISITION:
        values = [str(header.get(keyword)) for header in headers]
        runs = 1 + sum(first != second for first, second in pairwise(values))
        if runs > len(set(values)):
            warnings.warn(
                f"{source}: slices of {len(set(values))} acquisitions alternate ({keyword} "
                f"{' and '.join(sorted(set(values))[:2])}); they are read as one volume. Keep one in a folder.",
                stacklevel=3,
            )
            return
