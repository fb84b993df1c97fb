"""The scans in a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from medzoo.io.dicom import group_series, is_dicom
from medzoo.io.nifti import NIFTI_SUFFIXES
from medzoo.io.raster import RASTER_SUFFIXES
from medzoo.io.scan import DicomSeries


def find_scans(folder: str | os.PathLike) -> list[str | DicomSeries]:
    """List what `read_scan` can read in a folder and its subfolders, in natural order (2 before 10).

    Nothing is decoded: pictures and NIfTI are known by their suffix, DICOM by its magic bytes. DICOM slices are grouped
    by folder and series, one entry each; hidden files are passed over.

    Returns:
        Paths, and a `DicomSeries` for every series of several files.

    Raises:
        FileNotFoundError: There is no such folder, or no scan in it.
    """
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"There is no folder {folder}. Check the path.")
    plain, dicom = [], []
    for path in _files(folder):
        if path.lower().endswith((*RASTER_SUFFIXES, *NIFTI_SUFFIXES)):
            plain.append(path)
        elif is_dicom(path):
            dicom.append(path)
    scans = plain + group_series(dicom)
    if not scans:
        raise FileNotFoundError(f"{folder} holds no scans. Expected PNG, JPEG, TIFF, BMP, DICOM or NIfTI files in it.")
    return sorted(scans, key=lambda scan: natural(str(scan)))


def _files(folder: str | os.PathLike) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(parent, name) for name in names if not name.startswith("."))


def natural(text: str) -> list[str | int]:
    """Return the key of natural order, in which 2 stands before 10."""
    return [int(part) if part.isdecimal() else part.lower() for part in re.split(r"(\d+)", text)]
