"""Masks, heatmaps and pictures to files, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from medzoo.io.formats import PNG, answers_for, check_suffix
from medzoo.io.grid import check_shape
from medzoo.io.image import Scan
from medzoo.io.raster.read import write_png


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
    answers = answers_for(scan, path)
    if mask.shape != scan.shape:
        raise ValueError(
            f"The mask must have the shape {scan.shape} of {scan.source}; got {mask.shape}. Resize it first."
        )
    if mask.min() < 0 or mask.max() >= len(labels):
        raise ValueError(
            f"The mask of {scan.source} must hold label indices 0 to {len(labels) - 1} ({', '.join(labels)}); "
            f"got {mask.min()} to {mask.max()}. Pass all labels, background first."
        )
    answers.write_mask(path, mask, scan, len(labels))


def write_image(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write a picture as PNG.

    Args:
        path: Ends in `.png`.
        image: `(height, width, 3)` in RGB order, or `(height, width)`; uint8.

    Raises:
        ValueError: Suffix, shape or type does not fit.
        OSError: The disk is full or not writable; `path` is then as it was before.
    """
    check_suffix(path, PNG.suffixes)
    if image.dtype != np.uint8 or not (image.ndim == 2 or image.shape[2:] == (3,)):
        raise ValueError(
            f"{path} takes uint8 (height, width, 3) or (height, width); got {image.dtype} {image.shape}. "
            "Scale it to 0-255 and convert it with astype('uint8')."
        )
    write_png(path, image)


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
    answers = answers_for(scan, path)
    check_shape(heatmap, scan)
    answers.write_heatmap(path, heatmap, scan)
