"""Heatmaps to files, whole or not at all."""

from __future__ import annotations

import os

import numpy as np

from medzoo.io.orientation import restore
from medzoo.io.scan import Scan
from medzoo.io.write import write_image, write_nifti


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
    if scan.is_volume:
        write_nifti(path, voxels.astype(np.float32), scan)
    else:
        write_image(path, np.rint(255 * voxels).astype(np.uint8))
