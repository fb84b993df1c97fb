"""The grid of a volume in the patient, from headers alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

# Largest difference between two affines of one grid, in mm: files round.
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """The grid of a volume, in the axes of its file.

    Args:
        shape: Size (i, j, k) in voxels.
        affine: Voxel-to-world matrix (4, 4) in RAS, mm; None if it is unknown.
        keeps_slices: Whether slices that are not axial stay slices when they are read, as in DICOM.
    """

    shape: tuple[int, int, int]
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
        """Whether both have one shape, and one affine where both are known."""
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
