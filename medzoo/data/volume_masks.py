"""Masks of volumes: NIfTI files in the grid of their image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medzoo.data.grids import Grid, dicom_grid, display_axes, is_nifti, nifti_grid
from medzoo.data.masks import MaskTarget, as_labels
from medzoo.io import DicomSeries, read_scan, restore


@dataclass(frozen=True)
class VolumeTarget(MaskTarget):
    """The mask of a volume: a NIfTI file in the grid of its image, in whatever axes it is stored.

    Args:
        path: The NIfTI file.
        names: Label names, background first: its values are indices into them.
        image: The image, NIfTI or DICOM, whose grid the mask must have.
    """

    path: str
    names: tuple[str, ...]
    image: str | DicomSeries | None = None

    def __str__(self) -> str:
        return self.path

    @cached_property
    def _grids(self) -> tuple[Grid, Grid | None]:
        if self.image is None:
            return nifti_grid(self.path), None
        return nifti_grid(self.path), nifti_grid(self.image) if is_nifti(self.image) else dicom_grid(self.image)

    @cached_property
    def _axes(self) -> np.ndarray:
        """The orientation in which the image is displayed."""
        own, image = self._grids
        return display_axes(image or own, keep_slices=image is not None and not is_nifti(self.image))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(depth, height, width) in display order, from the header."""
        return self._grids[0].turned(self._axes).shape[::-1]

    def mismatch(self) -> str | None:
        """Return what differs between the grids of mask and image, which headers tell; None where they agree."""
        own, image = self._grids
        if image is None or own.agrees(image) or own.turned(self._axes).agrees(image.turned(self._axes)):
            return None
        return f"{self.path} has {own}, its image {self.image} {image}"

    def read(self) -> np.ndarray:
        """Return the label indices (depth, height, width), uint8, in the display order of the image."""
        mismatch = self.mismatch()
        if mismatch:
            raise ValueError(f"{mismatch}. Resample the mask to the image.")
        scan = read_scan(self.path)
        if scan.channels > 1:
            raise ValueError(f"{self.path} has {scan.channels} channels; expected one label for each voxel.")
        stored = restore(as_labels(scan.array[..., 0], self.names, self.path), scan)
        return np.ascontiguousarray(self._grids[0].turn(stored, self._axes).T)
