"""Brain tumours in head MRI, as COCO polygons."""

from __future__ import annotations

from pathlib import Path

from medzoo.data.read import read
from medzoo.data.samples import Samples
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Segmentation


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
