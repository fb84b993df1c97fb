"""Answers for volumes as NIfTI files, at the place that every program gives to their scan."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.files import atomic_file
from medzoo.io.grid import restore
from medzoo.io.image import Scan

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header, Nifti1Image

# All that a NIfTI header says of the place of voxels, since programs differ in which of it they follow.
_GEOMETRY: tuple[str, ...] = ("pixdim", "xyzt_units", "qform_code", "sform_code", "srow_x", "srow_y", "srow_z")
_GEOMETRY += ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")


def write_nifti_mask(path: str | os.PathLike, mask: np.ndarray, scan: Scan, count: int) -> None:
    """Write the label index of each voxel, in the axes of the scan's file."""
    _write(path, restore(mask, scan).astype(np.uint8), scan)


def write_nifti_heatmap(path: str | os.PathLike, heatmap: np.ndarray, scan: Scan) -> None:
    """Write float32, in the axes of the scan's file."""
    _write(path, restore(heatmap, scan).astype(np.float32), scan)


def _write(path: str | os.PathLike, voxels: np.ndarray, scan: Scan) -> None:
    """Write voxels `(i, j, k)` in the axes of a scan's file, in their own type, as `.nii` or `.nii.gz`.

    Raises:
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    data = (_placed(voxels, scan.affine) if scan.header is None else _like(voxels, scan.header)).to_bytes()
    if os.fspath(path).lower().endswith(".gz"):
        # No time in the header: the same voxels are the same file.
        data = gzip.compress(data, compresslevel=1, mtime=0)
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(data)


def _like(voxels: np.ndarray, header: Nifti1Header) -> Nifti1Image:
    """Return an image with the shape and the geometry of a header, and nothing else of it."""
    from nibabel import Nifti1Image, Nifti2Header, Nifti2Image

    kind = Nifti2Image if isinstance(header, Nifti2Header) else Nifti1Image
    own = kind.header_class()
    own.set_data_dtype(voxels.dtype)
    shape = header.get_data_shape()
    own.set_data_shape(shape)
    for field in _GEOMETRY:
        own[field] = header[field]
    return kind(voxels.reshape(shape), None, own)


def _placed(voxels: np.ndarray, affine: np.ndarray | None) -> Nifti1Image:
    """Return an image at the place of an affine, or at none."""
    from nibabel import Nifti1Image

    image = Nifti1Image(voxels, np.eye(4) if affine is None else affine)
    image.header.set_xyzt_units("mm")
    if affine is not None:
        image.header.set_sform(affine, code="scanner")
        # ITK refuses a sheared sform, but for a qform beside it.
        image.header.set_qform(_straight(affine), code="scanner", strip_shears=False)
    return image


def _straight(affine: np.ndarray) -> np.ndarray:
    """Return the affine of slices stacked along their normal, which is how ITK reads a series with a gantry tilt."""
    straight = affine.copy()
    rows, columns, step = affine[:3, :3].T
    normal = np.cross(rows, columns)
    normal *= np.sign(normal @ step) / np.linalg.norm(normal)
    straight[:3, 2] = normal * np.linalg.norm(step)
    return straight
