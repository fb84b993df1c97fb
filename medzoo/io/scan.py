"""The record that passes between files and the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medzoo.io.image import Image


@dataclass(frozen=True, eq=False)
class Scan(Image):
    """One image or volume, as read from a file, with what is needed to go back into the file's own grid.

    Args:
        array: Pixels, channels last: `(height, width, channels)` for a picture or a single DICOM image,
            `(depth, height, width, channels)` for a volume. Volumes stand in display order: slices from foot to head,
            rows from front to back, columns from the patient's right to left (LPS), whatever the order in the file.
            DICOM series and single NIfTI slices that are not axial keep their slices: those of the file.
        shape: Spatial shape of the full grid in the same order as `array`. It differs from `array.shape[:-1]`
            only where a JPEG was decoded at reduced scale.
        spacing: Size of a voxel in mm, in the order of `shape`; None where the file does not say.
        affine: Voxel-to-world matrix `(4, 4)` in NIfTI's RAS convention for the array *as stored in the file*;
            None for pictures.
        orientation: For volumes that were reoriented: nibabel's orientation transform `(3, 2)` from the
            file's axes to LPS; None where the file's order was kept.
        source: Path of the file or folder, or a word such as `"array"`.
        kind: `"raster"`, `"dicom"`, `"nifti"` or `"array"`.
    """

    array: np.ndarray
    shape: tuple[int, ...]
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    orientation: np.ndarray | None = None
    source: str = "array"
    kind: str = "array"

    @property
    def is_volume(self) -> bool:
        """Whether the scan has a depth axis."""
        return len(self.shape) == 3

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.array.shape[-1]

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Return itself."""
        return self

    def in_memory(self) -> np.ndarray:
        """Return the pixels."""
        return self.array
