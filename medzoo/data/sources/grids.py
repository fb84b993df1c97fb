"""The grid of a volume in the patient, from headers alone."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from medzoo.io import DicomSeries
from medzoo.io.checks import damaged
from medzoo.io.dicom import frame_headers
from medzoo.io.nifti import NIFTI_SUFFIXES
from medzoo.io.slices import arrange

# Largest difference between two affines of one grid, in mm: files round.
_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """Shape (i, j, k) in voxels and affine (4, 4) in RAS of a volume, in the axes of its file; no affine if unknown."""

    shape: tuple[int, int, int]
    affine: np.ndarray | None

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
        return Grid(tuple(shape.tolist()), self.affine @ inv_ornt_aff(turn, self.shape))

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


def display_axes(grid: Grid, keep_slices: bool) -> np.ndarray | None:
    """Return the orientation (3, 2) in which `medzoo.read_scan` shows a volume: LPS, or its own where slices are kept.

    Args:
        grid: The grid of the volume.
        keep_slices: Whether slices that are not axial stay slices, as in DICOM.
    """
    from nibabel.orientations import axcodes2ornt, io_orientation

    if grid.affine is None:
        return None
    own = io_orientation(grid.affine)
    is_cut_across = own[2, 0] != 2
    return own if is_cut_across and (keep_slices or grid.shape[2] == 1) else axcodes2ornt("LPS")


def is_nifti(image: object) -> bool:
    """Whether an image is a NIfTI file, by its suffix."""
    return str(image).lower().endswith(NIFTI_SUFFIXES)


def nifti_grid(path: str) -> Grid:
    """Return the grid of a NIfTI file.

    Raises:
        ValueError: It cannot be read.
    """
    import nibabel

    try:
        image = nibabel.load(path)
    except (nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError) as error:
        raise damaged(path, error) from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise damaged(path, error) from error
    shape = image.shape
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if not np.isfinite(image.affine).all() or np.linalg.matrix_rank(image.affine[:3, :3]) < 3:
        raise damaged(path, "its affine cannot be inverted", "Write the true one into the file.")
    return Grid((*shape, 1, 1)[: max(3, len(shape))], image.affine)


def dicom_grid(image: str | DicomSeries) -> Grid:
    """Return the grid of a DICOM series or file of several frames, from its headers.

    Raises:
        ValueError: It cannot be read, or is no volume.
    """
    import pydicom

    headers = []
    for file in image.files if isinstance(image, DicomSeries) else (image,):
        try:
            headers += frame_headers(pydicom.dcmread(file, stop_before_pixels=True))
        except Exception as error:
            # A damaged header makes pydicom raise nearly anything.
            raise damaged(file, error) from error
    _, affine = arrange(headers, str(image))
    return Grid((int(headers[0].Columns), int(headers[0].Rows), len(headers)), affine)
