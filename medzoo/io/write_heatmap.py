"""Heatmaps to files, whole or not at all."""

from __future__ import annotations

import gzip
import os

import numpy as np

from medzoo.io.files import atomic_file
from medzoo.io.nifti import NIFTI_SUFFIXES
from medzoo.io.orientation import restore
from medzoo.io.scan import Scan
from medzoo.io.write import write_image


def write_heatmap(path: str | os.PathLike, heatmap: np.ndarray, scan: Scan) -> None:
    """Write a heatmap in the grid of its scan: a grey PNG beside pictures, a NIfTI of float32 beside volumes.

    Args:
        path: `.png` for a picture, `.nii.gz` or `.nii` for a volume.
        heatmap: Numbers from 0 to 1 of `scan.shape`, in the order of `scan.array`.
        scan: The scan that it belongs to.

    Raises:
        ValueError: Shape or suffix does not fit.
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    voxels = restore(heatmap, scan)
    if not scan.is_volume:
        write_image(path, np.rint(255 * voxels).astype(np.uint8))
        return
    name = os.fspath(path).lower()
    if not name.endswith(NIFTI_SUFFIXES):
        raise ValueError(f"{path} has a suffix that does not fit. Expected one of: {', '.join(NIFTI_SUFFIXES)}.")
    data = _nifti(voxels, scan)
    with atomic_file(path) as temporary:
        # No time in the header: the same heatmap is the same file.
        temporary.write_bytes(gzip.compress(data, compresslevel=1, mtime=0) if name.endswith(".gz") else data)


def _nifti(voxels: np.ndarray, scan: Scan) -> bytes:
    from nibabel import Nifti1Image

    image = Nifti1Image(voxels.astype(np.float32), np.eye(4) if scan.affine is None else scan.affine)
    image.header.set_xyzt_units("mm")
    return image.to_bytes()
