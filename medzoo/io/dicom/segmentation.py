"""Masks as DICOM Segmentations, in the geometry of the series that was answered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.errors import require
from medzoo.files import atomic_file
from medzoo.io.dicom.headers import open_image
from medzoo.io.grid import restore
from medzoo.io.image import Scan

if TYPE_CHECKING:
    from pydicom import Dataset

SEG_SUFFIX = ".dcm"
# The background among them: a label is a byte.
_MOST_LABELS = 256
# How SNOMED CT calls what our labels name: category and type, by words that a label holds.
_ALTERED, _ANATOMY = ("49755003", "Morphologically Abnormal Structure"), ("123037004", "Anatomical Structure")
_CODES = {
    ("tumor", "tumour", "glioma", "meningioma", "adenoma", "carcinoma"): (_ALTERED, ("108369006", "Neoplasm")),
    ("lesion", "benign", "malignant", "nodule"): (_ALTERED, ("52988006", "Lesion")),
    ("left ventricle", "lv"): (_ANATOMY, ("87878005", "Left ventricle of heart")),
    ("right ventricle", "rv"): (_ANATOMY, ("53085002", "Right ventricle of heart")),
    ("myocardium", "myo"): (_ANATOMY, ("74281007", "Myocardium")),
    ("hippocampus",): (_ANATOMY, ("5366008", "Hippocampus")),
    ("liver",): (_ANATOMY, ("10200004", "Liver")),
    ("kidney",): (_ANATOMY, ("64033007", "Kidney")),
    ("spleen",): (_ANATOMY, ("78961009", "Spleen")),
    ("pancreas",): (_ANATOMY, ("15776009", "Pancreas")),
    ("lung",): (_ANATOMY, ("39607008", "Lung")),
    ("heart",): (_ANATOMY, ("80891009", "Heart")),
    ("prostate",): (_ANATOMY, ("41216001", "Prostate")),
    ("brain",): (_ANATOMY, ("12738006", "Brain")),
}
_OTHER = (("85756007", "Tissue"), ("85756007", "Tissue"))


@dataclass(frozen=True)
class Maker:
    """Who made an answer.

    Args:
        name: Name of the model.
        fingerprint: SHA-256 of its weights, or "" where it is not known.
    """

    name: str = "unnamed model"
    fingerprint: str = ""


def write_segmentation(
    path: str | os.PathLike,
    mask: np.ndarray,
    scan: Scan,
    labels: Sequence[str],
    maker: Maker | None = None,
    kind: str = "LABELMAP",
) -> None:
    """Write a mask as a DICOM Segmentation.

    Each frame refers to the slice that it lies on. What is known of patient and study is copied from the source, and
    from nowhere else.

    Args:
        path: Where to write; ends in `.dcm`.
        mask: Label indices in the order of `scan.array`.
        scan: A scan that was read from DICOM files.
        labels: Names of the labels, background first.
        maker: The model.
        kind: "LABELMAP", or "BINARY" for readers that do not know the newer one.

    Raises:
        ValueError: The scan is not from DICOM, or its files lack what a Segmentation needs; the message names it.
        ImportError: highdicom is not installed.
    """
    if scan.kind != "dicom" or not scan.frames:
        raise ValueError(
            f"{scan.source} is not from DICOM files, whose geometry a DICOM Segmentation takes. "
            "Save the mask as .nii.gz or .png."
        )
    if len(labels) > _MOST_LABELS:
        raise ValueError(f"A DICOM Segmentation here has up to {_MOST_LABELS - 1} segments; got {len(labels) - 1}.")
    highdicom = require("highdicom", "dicom")
    maker = maker or Maker()
    files = list(dict.fromkeys(file for file, _ in scan.frames))
    sources = [open_image(file, stop_before_pixels=True) for file in files]
    for source in sources:
        _complete(source)
    try:
        written = highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=_frames(mask, scan, files),
            segmentation_type=kind,
            segment_descriptions=_segments(highdicom, labels, maker),
            series_instance_uid=highdicom.UID(),
            series_number=int(sources[0].get("SeriesNumber") or 0) + 1000,
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer="medzoo",
            manufacturer_model_name=maker.name[:64],
            software_versions=_version(),
            device_serial_number=maker.fingerprint[:64] or "unknown",
            content_creator_name="medzoo^",
            content_description=f"{maker.name} by medzoo {_version()}"[:64],
            series_description=f"Segmentation: {maker.name}"[:64],
            transfer_syntax_uid="1.2.840.10008.1.2.5" if kind == "LABELMAP" else "1.2.840.10008.1.2.1",
        )
    except (AttributeError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"A DICOM Segmentation cannot be made for {scan.source}: {error}. Its files lack what the format needs; "
            "save the mask as .nii.gz or .png."
        ) from error
    with atomic_file(path) as temporary:
        written.save_as(temporary)


def _frames(mask: np.ndarray, scan: Scan, files: Sequence[str]) -> np.ndarray:
    """Return the mask `(frames, rows, columns)` in the order of the source's files or frames."""
    stored = restore(mask, scan)
    planes = stored.T if scan.is_volume else stored[None]
    if len(files) == 1 and len(scan.frames) > 1:
        planes = planes[np.argsort([frame for _, frame in scan.frames])]
    return np.ascontiguousarray(planes, np.uint8)


def _segments(highdicom: Any, labels: Sequence[str], maker: Maker) -> list[Any]:
    from pydicom.sr.codedict import codes

    algorithm = highdicom.AlgorithmIdentificationSequence(
        name=maker.name[:64],
        version=maker.fingerprint[:16] or "unknown",
        family=codes.DCM.ArtificialIntelligence,
        parameters={"medzoo": _version(), "sha256": maker.fingerprint or "unknown"},
    )
    return [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label[:64],
            segmented_property_category=highdicom.sr.CodedConcept(category[0], "SCT", category[1]),
            segmented_property_type=highdicom.sr.CodedConcept(concept[0], "SCT", concept[1]),
            algorithm_type="AUTOMATIC",
            algorithm_identification=algorithm,
        )
        for number, label in enumerate(labels[1:], 1)
        for category, concept in [code_of(label)]
    ]


def code_of(label: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return the SNOMED CT codes of category and type for a label, with their meanings.

    Example:
        >>> code_of("liver tumor")[1]
        ('108369006', 'Neoplasm')
    """
    name = label.lower().replace("_", " ")
    found = (codes for words, codes in _CODES.items() if any(f" {word} " in f" {name} " for word in words))
    return next(found, _OTHER)


def _complete(source: Dataset) -> None:
    """Give a source the attributes that it may leave empty but a Segmentation copies."""
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"):
        if keyword not in source:
            setattr(source, keyword, "")
    for keyword in ("StudyDate", "StudyTime", "ReferringPhysicianName"):
        if keyword not in source:
            setattr(source, keyword, None)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("medzoo")
    except PackageNotFoundError:
        return "unknown"
