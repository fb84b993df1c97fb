"""The grid of a volume in the patient, and the way from the axes of its file to display order (LPS) and back."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from medzoo.io.image import Scan

# Largest difference between two affines of one grid, in mm: files round.
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of a volume, in the axes of its file.

    Args:
        shape: Size (i, j, k) in voxels; of several volumes in one file also how many.
        affine: Voxel-to-world matrix (4, 4) in RAS, mm; None if it is unknown.
        keeps_slices: Whether slices that are not axial stay slices when they are read, as in DICOM.
    """

    shape: tuple[int, ...]
    affine: np.ndarray | None
    keeps_slices: bool = False

    def __str__(self) -> str:
        place = "no position" if self.affine is None else f"affine {np.round(self.affine[:3], 3).tolist()}"
        return f"shape {self.shape} and {place}"

    def turned(self, axes: np.ndarray | None) -> Grid:
        """Return the same grid with its axes permuted and flipped to the orientation `axes` (3, 2)."""
        from nibabel.orientations import inv_ornt_aff

        if axes is None or self.affine is None:
            return self
        turn = self._turn(axes)
        shape = np.empty(3, int)
        shape[turn[:, 0].astype(int)] = self.shape
        return replace(self, shape=tuple(shape.tolist()), affine=self.affine @ inv_ornt_aff(turn, self.shape))

    def turn(self, voxels: np.ndarray, axes: np.ndarray | None) -> np.ndarray:
        """Return voxels in this grid turned to the orientation `axes`."""
        from nibabel.orientations import apply_orientation

        return voxels if axes is None or self.affine is None else apply_orientation(voxels, self._turn(axes))

    def agrees(self, other: Grid) -> bool:
        """Whether both have the same shape, and the same affine where neither is missing."""
        if self.shape != other.shape or self.affine is None or other.affine is None:
            return self.shape == other.shape
        return bool(np.abs(self.affine - other.affine).max() <= _TOLERANCE)

    def _turn(self, axes: np.ndarray) -> np.ndarray:
        from nibabel.orientations import io_orientation, ornt_transform

        return ornt_transform(io_orientation(self.affine), axes)


def display_axes(grid: Grid) -> np.ndarray | None:
    """Return the orientation (3, 2) in which `medzoo.read_scan` shows a volume: LPS, or its own where slices are kept.

    Args:
        grid: The grid of the volume.
    """
    from nibabel.orientations import axcodes2ornt, io_orientation

    if grid.affine is None:
        return None
    own = io_orientation(grid.affine)
    is_cut_across = own[2, 0] != 2
    return own if is_cut_across and (grid.keeps_slices or grid.shape[2] == 1) else axcodes2ornt("LPS")


def to_display_order(
    voxels: np.ndarray, affine: np.ndarray, source: str | os.PathLike, keep_slices: bool
) -> tuple[np.ndarray, np.ndarray | None, tuple[float, ...]]:
    """Turn `voxels` so that slices run from foot to head, rows from front to back, columns from right to left.

    Axes are only permuted and flipped, to the nearest right angle; nothing is resampled.

    Args:
        voxels: `(i, j, k, channels)` in the axes that `affine` speaks of.
        affine: Voxel-to-world matrix `(4, 4)` in RAS, mm.
        source: What messages call the scan.
        keep_slices: Leave the order of the file where slices `k` are not axial, instead of cutting across them.

    Returns:
        The volume `(depth, height, width, channels)`, nibabel's transform `(3, 2)` (None where the order was kept) and
        the spacing (depth, height, width) in mm.

    Raises:
        ValueError: The affine has entries that are not finite, or maps the volume onto a plane.
    """
    from nibabel.affines import voxel_sizes
    from nibabel.orientations import apply_orientation, axcodes2ornt, io_orientation, ornt_transform

    _check_affine(affine, source)
    transform = ornt_transform(io_orientation(affine), axcodes2ornt("LPS"))
    sizes = voxel_sizes(affine)
    if keep_slices and transform[2, 0] != 2:
        return _swap(voxels), None, _spacing(sizes)
    volume = np.ascontiguousarray(_swap(apply_orientation(voxels, transform)))
    return volume, transform, _spacing(sizes[np.argsort(transform[:, 0])])


def restore(answer: np.ndarray, scan: Scan) -> np.ndarray:
    """Bring an answer in the order of `scan.array` back into the file's own axes, those of `scan.affine`.

    Args:
        answer: `scan.shape`, with or without further axes behind.
        scan: The scan that was answered.

    Returns:
        For NIfTI and DICOM volumes `(i, j, k, ...)`: columns, rows and slices as they lie in the file; everything else,
        NumPy arrays too, is returned as it is.

    Raises:
        ValueError: `answer` has another shape than the scan.

    Example:
        >>> scan = read_scan("brain.nii.gz")
        >>> nibabel.Nifti1Image(restore(mask, scan), scan.affine).to_filename("mask.nii.gz")
    """
    check_shape(answer, scan)
    if not scan.is_volume or scan.kind == "array":
        return answer
    voxels = _swap(answer)
    return voxels if scan.orientation is None else _undo(voxels, scan.orientation)


def to_display(values: np.ndarray, scan: Scan) -> np.ndarray:
    """Bring values in the axes of the file of a volume, `(i, j, k)`, into the order of `scan.array`: undo `restore`."""
    from nibabel.orientations import apply_orientation

    turned = values if scan.orientation is None else apply_orientation(values, scan.orientation)
    return np.ascontiguousarray(_swap(turned))


def check_shape(answer: np.ndarray, scan: Scan) -> None:
    """Refuse an answer that is not in the grid of a scan.

    Raises:
        ValueError: It has another shape.
    """
    if answer.shape[: len(scan.shape)] != scan.shape:
        raise ValueError(
            f"The answer must have the shape {scan.shape} of {scan.source}; got {answer.shape}. Resize it first."
        )


def check_same_grid(scan: Scan, other: Scan) -> None:
    """Refuse scans whose pixels do not lie on one another; those of pictures and arrays do if their sizes are equal.

    Raises:
        ValueError: They do not; the message has both sizes, or how far they are apart.
    """
    remedy = "Register and resample one to the other first."
    if scan.shape != other.shape:
        raise ValueError(f"{scan.source} has the size {scan.shape}, {other.source} has {other.shape}. {remedy}")
    if scan.affine is None or other.affine is None or not scan.is_volume:
        return
    corners = np.array(list(product((0, 1), repeat=3))) * (np.array(scan.shape[::-1]) - 1)
    places = [_in_patient(one) for one in (scan, other)]
    apart = [corners @ place[:3, :3].T + place[:3, 3] for place in places]
    distance = float(np.linalg.norm(apart[0] - apart[1], axis=1).max())
    # A tenth of a voxel: registered sequences of other software differ by rounding.
    if distance > 0.1 * min(scan.spacing or (1.0,)):
        raise ValueError(
            f"{scan.source} lies {distance:.2f} mm beside {other.source}, though both have the size {scan.shape}. "
            f"{remedy}"
        )


def _in_patient(scan: Scan) -> np.ndarray:
    """Return the matrix (4, 4) from (column, row, slice) in display order to mm."""
    from nibabel.orientations import inv_ornt_aff

    if scan.orientation is None:
        return np.asarray(scan.affine)
    shown = np.array(scan.shape[::-1])
    return scan.affine @ inv_ornt_aff(scan.orientation, shown[scan.orientation[:, 0].astype(int)])


def _undo(voxels: np.ndarray, transform: np.ndarray) -> np.ndarray:
    from nibabel.orientations import apply_orientation, ornt_transform

    unchanged = np.array([[0, 1], [1, 1], [2, 1]])
    return apply_orientation(voxels, ornt_transform(unchanged, transform))


def _swap(volume: np.ndarray) -> np.ndarray:
    return np.swapaxes(volume, 0, 2)


def _spacing(sizes: np.ndarray) -> tuple[float, ...]:
    return tuple(float(size) for size in sizes[::-1])


def _check_affine(affine: np.ndarray, source: str | os.PathLike) -> None:
    if not np.isfinite(affine).all() or np.linalg.matrix_rank(affine[:3, :3]) < 3:
        raise ValueError(
            f"{source} must have an affine that can be inverted; got {np.asarray(affine).tolist()}. "
            "Write the true one into the file, or numpy.diag([dx, dy, dz, 1]) if only the spacing is known."
        )
