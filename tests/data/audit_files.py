"""Small data sets for the tests of the audit."""

import cv2
import nibabel
import numpy as np


def picture(seed, shape=(48, 64)):
    """Smooth blobs, as different for two seeds as two patients are."""
    noise = np.random.default_rng(seed).standard_normal((6, 8)).astype(np.float32)
    smooth = cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)
    return str(path)


def write_volume(path, seed, shape=(8, 9, 10), spacing=1.0):
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).integers(0, 200, shape).astype(np.uint8)
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([spacing, 1, 1, 1])), path)
    return str(path)


def kinds(found):
    return {finding.kind for finding in found.findings}


def only(found, kind):
    (finding,) = found.of_kind(kind)
    return finding
