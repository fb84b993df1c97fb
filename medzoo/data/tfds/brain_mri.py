"""Four classes of head MRI."""

from __future__ import annotations

from pathlib import Path

from medzoo.data.folders import from_folders
from medzoo.data.samples import Samples
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Classification


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
