"""Small sets laid out as the five real ones, and what medzoo's readers make of them."""

from __future__ import annotations

import cv2
import nibabel
import numpy as np

from medzoo.data.sources.folders import from_folders
from medzoo.data.sources.read import read
from medzoo.data.sources.tables import from_table
from medzoo.data.sources.volumes import from_volumes
from medzoo.data.synthetic import make_coco

SHAPE = (8, 7, 6)
STRUCTURES = ("background", "right ventricle", "myocardium", "left ventricle")


def write_picture(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 255, (16, 12), np.uint8))


def write_volume(path, labels=None, seed=0):
    """Write noise, or labels from 0 on, whose last bytes are zeros, in a grid that is neither RAS nor isotropic."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).integers(0, labels or 255, SHAPE, np.uint8)
    voxels[:, :, -1] = 0
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([-1.0, 2, 3, 1])), path)


def make_brain_mri(folder):
    for split in ("Training", "Testing"):
        for label in ("glioma", "meningioma", "notumor", "pituitary"):
            for number in range(2):
                write_picture(folder / split / label / f"{split}_{number}.jpg", number)
    return {"brain_mri": from_folders(folder)}


def make_breast_ultrasound(folder):
    for label in ("normal", "benign", "malignant"):
        write_picture(folder / label / f"{label} (1).png", len(label))
    return {"breast_ultrasound": from_folders(folder, labels=("normal", "benign", "malignant"))}


def make_brain_tumor_coco(folder):
    for seed, part in enumerate(("train", "valid", "test")):
        make_coco(folder / part, 2, seed=10 * seed, size=32, suffix=".jpg")
    return {"brain_tumor_coco": read(folder, labels="tumor")}


def make_hippocampus(folder):
    for number in range(2):
        write_volume(folder / "images" / f"hippocampus_{number}.nii", seed=number)
        write_volume(folder / "labels" / f"hippocampus_{number}.nii", labels=3, seed=number)
    return {"hippocampus": from_volumes(folder, labels=("background", "anterior", "posterior"))}


def make_cardiac_mri(folder):
    rows = ["patient,reduced_ef,lvef,ed,es"]
    for number in range(2):
        names = [f"volumes/patient00{number}_{phase}" for phase in ("ED", "ES")]
        for name in names:
            write_volume(folder / f"{name}.nii.gz", seed=number)
            write_volume(folder / f"{name}_labels.nii.gz", labels=4, seed=number)
        rows.append(f"patient00{number},{number},0.{number}23,{names[0]}.nii.gz,{names[1]}.nii.gz")
    (folder / "targets.csv").write_text("\n".join(rows))
    return {
        "cardiac_mri/reduced_ef": from_table(folder / "targets.csv", image=("ed", "es"), label="reduced_ef"),
        "cardiac_mri/lvef": from_table(folder / "targets.csv", image=("ed", "es"), target="lvef"),
        "cardiac_mri/structures": from_volumes(folder / "volumes", labels=STRUCTURES, patient=r"patient\d+"),
    }


SETS = {
    "brain_mri": make_brain_mri,
    "brain_tumor_coco": make_brain_tumor_coco,
    "breast_ultrasound": make_breast_ultrasound,
    "cardiac_mri": make_cardiac_mri,
    "hippocampus": make_hippocampus,
}
