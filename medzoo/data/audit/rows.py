"""What a data set says of its images before any of them is read: split, class, patient, masks.

`medzoo.data.read` refuses a data set that has errors. Here they become findings, so folders are walked by rules that
never fail.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.data.checks import SPLIT_NAMES, Patient, patients_of
from medzoo.data.masks import MaskTarget
from medzoo.data.packed import PackedImage
from medzoo.data.samples import Samples, source_of


@dataclass(frozen=True, eq=False)
class Row:
    """One image of a data set.

    Args:
        image: What `medzoo.read_scan` takes.
        split: "train", "valid", "test", or "".
        label: Name of its class, of a segmentation the labels in its mask, or "".
        patient: Patient, or "" where nobody says.
        masks: Files of its mask, which are read as well.
        grid: Size that its annotation states, ([depth,] height, width); None where there is no such statement.
    """

    image: Any
    split: str = ""
    label: str = ""
    patient: str = ""
    masks: tuple[Any, ...] = ()
    grid: tuple[int, ...] | None = None

    @property
    def source(self) -> str:
        """Path of the image, or what stands for it."""
        return source_of(self.image)


def rows_of(samples: Samples) -> list[Row]:
    """Return the rows of Samples.

    Raises:
        ValueError: They are packed by `medzoo prepare`, which leaves nothing of the files to audit.
    """
    for image in samples.images:
        if isinstance(image, PackedImage):
            image.read()
    patients = samples.patients if samples.has_patients else ("",) * len(samples)
    return [
        Row(image, split, _label(target, samples), patient, **_mask(target))
        for image, target, patient, split in zip(samples.images, samples.targets, patients, samples.splits, strict=True)
    ]


def _label(target: Any, samples: Samples) -> str:
    """Return the class of a target, the labels of an annotation that lists them, or ""; reads no mask."""
    if samples.kind == "classification":
        return samples.labels[target]
    listed = () if isinstance(target, MaskTarget) else getattr(target, "labels", ())
    return " + ".join(samples.labels[index] for index in listed if index)


def _mask(target: Any) -> dict[str, Any]:
    """Return the file of a mask, which will be read, or else the size that the target states."""
    file = getattr(target, "path", None)
    return {"masks": (file,)} if file is not None else {"grid": getattr(target, "shape", None)}


def place_of(source: str, folder: str) -> tuple[str, str]:
    """Return split and class of a file: folders below `folder` named after a split, and the first other one."""
    parts = Path(os.path.relpath(source, folder)).parts[:-1]
    split = next((SPLIT_NAMES[part.lower()] for part in parts if part.lower() in SPLIT_NAMES), "")
    return split, next((part for part in parts if part.lower() not in SPLIT_NAMES), "")


def named_patients(sources: list[str], folder: str, patient: Patient) -> list[str]:
    """Return what `patient` makes of each path below `folder`, "" without a `patient`."""
    if patient is None:
        return [""] * len(sources)
    return list(patients_of([os.path.relpath(source, folder) for source in sources], sources, patient))
