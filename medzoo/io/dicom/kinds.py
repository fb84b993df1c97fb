"""Which DICOM files are no scans, by their SOP class and their type of image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

MOSAIC = "a Siemens mosaic (slices of a volume as tiles of one picture)"
DIRECTORY = "an index of files (DICOMDIR)"
_STORAGE = "1.2.840.10008.5.1.4.1.1."

# What the SOP class of a file says that it is instead of a scan; a prefix that ends in a dot stands for a family.
_NO_SCANS = {
    "1.2.840.10008.1.3.10": DIRECTORY,
    f"{_STORAGE}4.2": "MR spectra",
    f"{_STORAGE}9.": "a waveform, such as an ECG",
    f"{_STORAGE}11.": "a presentation state (PR)",
    f"{_STORAGE}66": "raw data",
    f"{_STORAGE}66.1": "a registration (REG)",
    f"{_STORAGE}66.2": "fiducials (FID)",
    f"{_STORAGE}66.3": "a registration (REG)",
    f"{_STORAGE}66.4": "a segmentation (SEG)",
    f"{_STORAGE}66.7": "a segmentation (SEG)",
    f"{_STORAGE}66.": "a segmentation or a surface of one (SEG)",
    f"{_STORAGE}67": "a mapping of values (RWV)",
    f"{_STORAGE}68.": "a mesh of a surface",
    f"{_STORAGE}77.1.5.3": "a stereometric relationship",
    f"{_STORAGE}77.1.6": "a whole-slide picture of microscopy (SM)",
    f"{_STORAGE}78.": "measurements of an eye",
    f"{_STORAGE}79.1": "measurements of an eye",
    f"{_STORAGE}80.1": "measurements of an eye",
    f"{_STORAGE}88.59": "a selection of key objects (KO)",
    f"{_STORAGE}88.": "a structured report (SR)",
    f"{_STORAGE}90.": "an assessment of content",
    f"{_STORAGE}91.": "annotations of microscopy",
    f"{_STORAGE}104.": "an encapsulated document (PDF, CDA, STL)",
    f"{_STORAGE}200.": "a protocol",
    f"{_STORAGE}201.": "an inventory",
    f"{_STORAGE}481.2": "a dose (RTDOSE)",
    f"{_STORAGE}481.3": "a set of structures (RTSTRUCT)",
    f"{_STORAGE}481.": "a plan or a record of radiotherapy",
    "1.2.840.10008.5.1.4.34.7": "a plan or a record of radiotherapy",
}
# RT images.
_IMAGES = (f"{_STORAGE}481.1", f"{_STORAGE}481.23", f"{_STORAGE}481.24")
# For files without a SOP class.
_NO_SCAN_MODALITIES: tuple[str, ...] = (
    "AU",
    "DOC",
    "ECG",
    "FID",
    "HD",
    "KO",
    "PLAN",
    "PR",
    "REG",
    "RTDOSE",
    "RTPLAN",
    "RTRECORD",
)
_NO_SCAN_MODALITIES += ("RTSTRUCT", "RWV", "SEG", "SM", "SR")


def no_scan(dataset: Dataset) -> str | None:
    """Return what a file is if its SOP class or type of image says that it is no scan, else None."""
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    exact = None if sop_class in _IMAGES else _NO_SCANS.get(sop_class) or _family(sop_class)
    if exact:
        return exact
    modality = str(dataset.get("Modality") or "")
    if not sop_class and modality in _NO_SCAN_MODALITIES:
        return f"an object of the modality {modality}"
    if dataset.get("TotalPixelMatrixColumns"):
        return "a picture in tiles, as whole slides are"
    return MOSAIC if _is_mosaic(dataset) else None


def _family(sop_class: str) -> str | None:
    return next((kind for uid, kind in _NO_SCANS.items() if uid.endswith(".") and sop_class.startswith(uid)), None)


def _is_mosaic(dataset: Dataset) -> bool:
    kinds = np.atleast_1d(dataset.get("ImageType") or []).tolist()
    return "MOSAIC" in [str(kind).upper() for kind in kinds] or _has_tiles(dataset)


def _has_tiles(dataset: Dataset) -> bool:
    """Whether the private NumberOfImagesInMosaic is there, as in files whose type of image was rewritten."""
    try:
        return 0x0A in dataset.private_block(0x0019, "SIEMENS MR HEADER")
    except KeyError:
        return False
