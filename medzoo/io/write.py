"""Masks, heatmaps and pictures to files, whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from medzoo.files import atomic_file
from medzoo.io.nifti import NIFTI_SUFFIXES
from medzoo.io.orientation import restore
from medzoo.io.scan import Scan

_PICTURE_SUFFIXES = (".png",)


def write_mask(path: str | os.PathLike, mask: np.ndarray, scan: Scan, labels: Sequence[str]) -> None:
    """Write a mask in the grid of its scan: PNG beside pictures, NIfTI beside volumes.

    In a PNG, label `i` of `n` has the grey value `i * (255 // (n - 1))`, so that a binary mask is black and white.
    A NIfTI holds the label index itself, in the axes and with the affine of the file, so that it overlays exactly
    (for a NumPy array: its own axes and the identity).

    Args:
        path: `.png` for a picture, `.nii.gz` or `.nii` for a volume.
        mask: Label indices of `scan.shape`.
        scan: The scan that was answered.
        labels: Names of the labels, background first.

    Raises:
        ValueError: Shape, suffix or a label index does not fit.
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    _check_suffix(path, NIFTI_SUFFIXES if scan.is_volume else _PICTURE_SUFFIXES)
    if mask.shape != scan.shape:
        raise ValueError(
            f"The mask must have the shape {scan.shape} of {scan.source}; got {mask.shape}. Resize it first."
        )
    if mask.min() < 0 or mask.max() >= len(labels):
        raise ValueError(
            f"The mask of {scan.source} must hold label indices 0 to {len(labels) - 1} ({', '.join(labels)}); "
            f"got {mask.min()} to {mask.max()}. Pass all labels, background first."
        )
    if scan.is_volume:
        write_nifti(path, restore(mask, scan).astype(np.uint8), scan)
    else:
        _write(path, _png_bytes(mask.astype(np.uint8) * (255 // max(1, len(labels) - 1))))


def write_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write a picture as PNG.

    Args:
        path: Ends in `.png`.
        image: `(height, width, 3)` in RGB order, or `(height, width)`; uint8.

    Raises:
        ValueError: Suffix, shape or type does not fit.
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    _check_suffix(path, _PICTURE_SUFFIXES)
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)):
        raise ValueError(
            f"{path} takes uint8 (height, width, 3) or (height, width); got {image.dtype} {image.shape}. "
            "Scale it to 0-255 and convert it with astype('uint8')."
        )
    _write(path, _png_bytes(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR)))


def _check_suffix(path: str | os.PathLike, supported: Sequence[str]) -> None:
    if not os.fspath(path).lower().endswith(tuple(supported)):
        raise ValueError(f"{path} has a suffix that does not fit. Expected one of: {', '.join(supported)}.")


def _png_bytes(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def write_nifti(path: str | os.PathLike, voxels: np.ndarray, scan: Scan) -> None:
    """Write voxels `(i, j, k)` in the axes of a scan's file, in their own type, as `.nii` or `.nii.gz`.

    Raises:
        ValueError: The suffix does not fit.
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    from nibabel import Nifti1Image

    _check_suffix(path, NIFTI_SUFFIXES)
    image = Nifti1Image(voxels, np.eye(4) if scan.affine is None else scan.affine)
    image.header.set_xyzt_units("mm")
    data = image.to_bytes()
    # No time in the header: the same voxels are the same file.
    is_compressed = os.fspath(path).lower().endswith(".gz")
    _write(path, gzip.compress(data, compresslevel=1, mtime=0) if is_compressed else data)


def _write(path: str | os.PathLike, data: bytes) -> None:
    with atomic_file(Path(path)) as temporary:
        temporary.write_bytes(data)


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
