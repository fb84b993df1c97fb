"""DICOM files opened, and their headers, one for each frame."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.io.dicom.kinds import MOSAIC, no_scan
from medzoo.io.dicom.slices import numbers, place_of
from medzoo.io.image import damaged

if TYPE_CHECKING:
    from pydicom import Dataset

AnyPath = str | os.PathLike

_NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"

# What a functional group says of a frame. Other sequences, private ones above all, repeat such tags with other meaning.
_GROUPS = {
    "PlanePositionSequence": ("ImagePositionPatient",),
    "PlaneOrientationSequence": ("ImageOrientationPatient",),
    "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
    "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
}
# What holds for all frames where no functional group says it.
_COMMON = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "PixelSpacing", "SliceThickness")


def open_image(path: AnyPath, stop_before_pixels: bool = False) -> Dataset:
    """Open a DICOM file that holds a scan.

    Raises:
        ValueError: It cannot be read, or is no scan.
    """
    dataset = open_dicom(path, stop_before_pixels)
    kind = no_scan(dataset)
    if kind:
        fix = "Convert it with dcm2niix." if kind == MOSAIC else "Pass the images that it belongs to."
        raise ValueError(f"{path} is {kind}; expected a scan. {fix}")
    return dataset


def open_dicom(path: AnyPath, stop_before_pixels: bool = False) -> Dataset:
    """Open any DICOM file, also a data set without preamble.

    Raises:
        ValueError: It cannot be read.
    """
    import pydicom

    try:
        return pydicom.dcmread(Path(path), stop_before_pixels=stop_before_pixels)
    except pydicom.errors.InvalidDicomError as error:
        if not is_bare(path):
            raise ValueError(
                f"{path} is no DICOM file: 'DICM' is missing at byte 128. "
                "Copy it again, or export it as a DICOM file with its header (part 10)."
            ) from error
    except Exception as error:
        # A damaged header makes pydicom raise nearly anything.
        raise damaged(path, error) from error
    return _open_bare(path, stop_before_pixels)


def is_bare(path: AnyPath) -> bool:
    """Whether a file begins as a DICOM data set does, in little-endian order, without preamble and `DICM`."""
    with open(path, "rb") as file:
        first = file.read(8)
    if len(first) < 8 or int.from_bytes(first[:2], "little") not in (2, 8) or first[3] != 0:
        return False
    # An explicit type of the value in two letters, or the length of a short one.
    is_explicit = first[4:6] in (b"UL", b"CS", b"UI", b"SH", b"OB", b"DA", b"TM", b"LO")
    return is_explicit or (int.from_bytes(first[4:], "little") <= 64 and first[4] % 2 == 0)


def _open_bare(path: AnyPath, stop_before_pixels: bool) -> Dataset:
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    try:
        dataset = pydicom.dcmread(Path(path), stop_before_pixels=stop_before_pixels, force=True)
        known = any(keyword in dataset for keyword in ("SOPClassUID", "Rows", "Modality"))
    except Exception as error:
        raise damaged(path, error) from error
    if not known:
        raise damaged(path, "it has neither 'DICM' at byte 128 nor the elements of a DICOM image")
    if "TransferSyntaxUID" not in dataset.file_meta:
        is_implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else ExplicitVRLittleEndian
    return dataset


def frame_headers(dataset: Dataset) -> list[Dataset]:
    """Return one header a frame, with its place where the file says it.

    That of the file where it has one frame; else of the functional groups, or of the slices of nuclear medicine.
    """
    count = int(dataset.get("NumberOfFrames") or 1)
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if groups:
        shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
        return [_header(dataset, [*shared, group]) for group in groups]
    if "NumberOfFrames" not in dataset or (count == 1 and "ImagePositionPatient" in dataset):
        return [dataset] * count
    return _nuclear(dataset, count) or [_header(dataset, []) for _ in range(count)]


def _header(dataset: Dataset, groups: list[Dataset]) -> Dataset:
    from pydicom import Dataset

    header = Dataset()
    for keyword in _COMMON:
        if keyword in dataset:
            header[keyword] = dataset[keyword]
    for group in groups:
        for name, keywords in _GROUPS.items():
            for item in list(group.get(name) or [])[:1]:
                for keyword in keywords:
                    if keyword in item:
                        header[keyword] = item[keyword]
    return header


def _nuclear(dataset: Dataset, count: int) -> list[Dataset] | None:
    """Return the headers of reconstructed slices of nuclear medicine, whose places the detector and a step give.

    Source:
        DICOM PS3.3 C.8.4.15 (NM Reconstruction): a positive step leads along the normal of the first slice.
    """
    detectors = list(dataset.get("DetectorInformationSequence") or [])
    step = numbers(dataset, "SpacingBetweenSlices", 1)
    slices = numbers(dataset, "SliceVector", count)
    if dataset.get("SOPClassUID") != _NUCLEAR or not detectors or step is None or slices is None:
        return None
    place = place_of(detectors[0])
    if place is None:
        return None
    normal = np.cross(place.row, place.column)
    headers = [_header(dataset, []) for _ in range(count)]
    for header, number in zip(headers, slices, strict=True):
        header.ImageOrientationPatient = [float(value) for value in (*place.row, *place.column)]
        header.ImagePositionPatient = (place.position + normal * step * (number - 1)).tolist()
    return headers
