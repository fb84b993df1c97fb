"""Builders for public data sets, which have to be downloaded by hand."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from medzoo.data.samples import Samples
from medzoo.data.sources.folders import from_folders
from medzoo.data.sources.read import read
from medzoo.data.sources.tables import from_table
from medzoo.data.sources.volumes import from_volumes
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Classification, Regression, Segmentation, Task


class BrainMri(SamplesBuilder):
    """MR slices of the head: glioma, meningioma, no tumour, pituitary tumour."""

    TASK = Classification(("glioma", "meningioma", "notumor", "pituitary"))
    LICENSE = "CC0 as listed on Kaggle"
    HOMEPAGE = "https://www.kaggle.com/datasets/masoudnickparvar/brain-tumor-mri-dataset"
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Download {HOMEPAGE} and give the folder that holds `Training/` and `Testing/`, each with a folder for every class.
    """

    def samples(self, folder: Path) -> Samples:
        """Read the class folders in `folder`."""
        return from_folders(folder)


class BrainTumorCoco(SamplesBuilder):
    """T1 MR slices of the head with contrast agent, and the tumour in them; its two categories are one label."""

    TASK = Segmentation(("background", "tumor"))
    LICENSE = "CC BY 4.0"
    HOMEPAGE = "https://www.kaggle.com/datasets/pkdarabi/brain-tumor-image-dataset-semantic-segmentation"
    CITATION = "TumorDetection, Roboflow Universe; on Kaggle by pkdarabi."
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Download {HOMEPAGE} and give the folder that holds `train/`, `valid/` and `test/`, each with its images and their
    `_annotations.coco.json`.
    """

    def samples(self, folder: Path) -> Samples:
        """Read the COCO folders in `folder`."""
        return read(folder, labels="tumor")


class BreastUltrasound(SamplesBuilder):
    """BUSI: ultrasound images of the breast, normal, benign or malignant."""

    TASK = Classification(("normal", "benign", "malignant"))
    LICENSE = "Research use with citation"
    HOMEPAGE = "https://scholar.cu.edu.eg/?q=afahmy/pages/dataset"
    CITATION = "Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief 28, 2020."
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Download {HOMEPAGE} and give the folder that holds `normal/`, `benign/` and `malignant/`; masks beside the images
    are left out.
    """

    def samples(self, folder: Path) -> Samples:
        """Read the class folders in `folder`."""
        return from_folders(folder, labels=self.TASK.labels)


class CardiacMri(SamplesBuilder):
    """ACDC: short-axis stacks of the heart at end-diastole and end-systole, for three tasks.

    `reduced_ef` says whether the ejection fraction of the left ventricle is reduced, `lvef` is its value, and
    `structures` are the right ventricle, the myocardium and the left ventricle.
    """

    TASKS: ClassVar[dict[str, Task]] = {
        "reduced_ef": Classification(("0", "1")),
        "lvef": Regression("lvef"),
        "structures": Segmentation(("background", "right ventricle", "myocardium", "left ventricle")),
    }
    BUILDER_CONFIGS: ClassVar[list] = [tfds.core.BuilderConfig(name=name) for name in TASKS]
    VOLUMES = True
    LICENSE = "CC BY-NC-SA 4.0"
    HOMEPAGE = "https://www.creatis.insa-lyon.fr/Challenge/acdc/"
    CITATION = "Bernard et al., Deep learning techniques for automatic MRI cardiac segmentation, IEEE TMI 37, 2018."
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Get the training data of {HOMEPAGE} and give a folder with `volumes/`, which holds `patient001_ED.nii.gz`,
    `patient001_ED_labels.nii.gz` and the same with `_ES` for every patient, and with `targets.csv`: its columns are
    patient, reduced_ef (0 or 1), lvef, and ed and es, the paths of the two images below the folder.
    """

    @property
    def task(self) -> Task:
        """The task of the configuration."""
        return self.TASKS[self.builder_config.name]

    def samples(self, folder: Path) -> Samples:
        """Read the two images of every patient."""
        if self.task.is_dense:
            return from_volumes(folder / "volumes", labels=self.task.labels, patient=r"patient\d+")
        column = {"label" if self.task.is_categorical else "target": self.builder_config.name}
        return from_table(folder / "targets.csv", image=("ed", "es"), **column)


class Hippocampus(SamplesBuilder):
    """T1 MR crops around the hippocampus, with its anterior and posterior part."""

    TASK = Segmentation(("background", "anterior", "posterior"))
    VOLUMES = True
    LICENSE = "CC BY-SA 4.0"
    HOMEPAGE = "http://medicaldecathlon.com"
    CITATION = "Antonelli et al., The Medical Segmentation Decathlon, Nature Communications 13, 2022 (Task04)."
    MANUAL_DOWNLOAD_INSTRUCTIONS = f"""
    Download Task04_Hippocampus from {HOMEPAGE} and give its folder: `imagesTr/` and `labelsTr/` (or `images/` and
    `labels/`) with equal file names.
    """

    def samples(self, folder: Path) -> Samples:
        """Read the pairs of image and labels in `folder`."""
        return from_volumes(folder, labels=self.TASK.labels)
