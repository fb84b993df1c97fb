"""The hippocampus in crops of head MRI."""

from __future__ import annotations

from pathlib import Path

from medzoo.data.samples import Samples
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.data.volumes import from_volumes
from medzoo.task import Segmentation


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
