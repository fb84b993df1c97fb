"""Small files for the tests of the ways in."""

from __future__ import annotations

import cv2
import nibabel
import numpy as np


def touch(folder, *names):
    """Write empty files, which is all that a listing asks for, and return the folder."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def write_picture(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.asarray(pixels, np.uint8))
    return str(path)


def write_volume(path, voxels=None, affine=None):
    """Write a NIfTI file of voxels (i, j, k)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.zeros((2, 3, 4), np.uint8) if voxels is None else voxels
    nibabel.Nifti1Image(voxels, np.eye(4) if affine is None else affine).to_filename(path)
    return str(path)


def write_table(path, *lines):
    """Write a CSV of lines, and empty files for the images 1.png, 2.png, ... that it may name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines), encoding="utf-8")
    touch(path.parent, *(f"{number}.png" for number in range(1, len(lines) + 1)))
    return path
