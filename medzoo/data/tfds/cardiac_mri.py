"""Stacks of heart MRI with the function and the structures of the heart."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import tensorflow_datasets as tfds

from medzoo.data.samples import Samples
from medzoo.data.tables import from_table
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.data.volumes import from_volumes
from medzoo.task import Classification, Regression, Segmentation, Task


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
        column = {"label" if isinstance(self.task, Classification) else "target": self.builder_config.name}
        return from_table(folder / "targets.csv", image=("ed", "es"), **column)
