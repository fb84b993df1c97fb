"""Three classes of breast ultrasound."""

from __future__ import annotations

from pathlib import Path

from medzoo.data.folders import from_folders
from medzoo.data.samples import Samples
from medzoo.data.tfds.builder import SamplesBuilder
from medzoo.task import Classification


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
