"""The file formats: one row each, which says how its files are recognised, read, named and written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.io.dicom.series import dicom_grid, group_series, is_dicom, patient_id, read_dicom
from medzoo.io.nifti import nifti_grid, read_nifti
from medzoo.io.nifti_answers import write_nifti_heatmap, write_nifti_mask
from medzoo.io.raster.read import is_picture, read_raster, write_png_heatmap, write_png_mask

if TYPE_CHECKING:
    from medzoo.io.grid import Grid
    from medzoo.io.image import Scan

AnyPath = str | os.PathLike


@dataclass(frozen=True)
class Answers:
    """How the answers for scans are written in a format.

    Args:
        suffixes: Those that may be asked for; the last one is taken where none is.
        of_volumes: Whether it takes answers for volumes, else for pictures.
        write_mask: Takes a path, label indices in the order of `scan.array`, the scan and the number of labels.
        write_heatmap: Takes a path, numbers from 0 to 1 in that order, and the scan.
    """

    suffixes: tuple[str, ...]
    of_volumes: bool
    write_mask: Callable[[AnyPath, np.ndarray, Scan, int], None]
    write_heatmap: Callable[[AnyPath, np.ndarray, Scan], None]


@dataclass(frozen=True)
class Format:
    """One file format.

    Args:
        name: What messages call it.
        suffixes: Suffixes of its files, in lower case.
        is_content: Whether a file without such a suffix has this content.
        read: Reads a file, at no less than the height and width passed.
        lacks_suffix: Whether its files often have no suffix, so that in folders they are recognised by their content.
        group: Turns the files in a folder into images, where several may be one.
        grid: Returns the grid of a volume from its headers; None for pictures.
        patient: Returns the patient that the header names; None where it names none.
        answers: How masks and heatmaps are written; None where they are not.
    """

    name: str
    suffixes: tuple[str, ...]
    is_content: Callable[[AnyPath], bool]
    read: Callable[[AnyPath, tuple[int, ...] | None], Scan]
    lacks_suffix: bool = False
    group: Callable[[Sequence[str]], list[Any]] = list
    grid: Callable[[str], Grid] | None = None
    patient: Callable[[AnyPath], str] | None = None
    answers: Answers | None = None


PNG = Answers((".png",), False, write_png_mask, write_png_heatmap)
PICTURE = Format(
    name="PNG, JPEG, TIFF, BMP",
    suffixes=(".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"),
    is_content=is_picture,
    read=read_raster,
    answers=PNG,
)
DICOM = Format(
    name="DICOM",
    suffixes=(".dcm",),
    is_content=is_dicom,
    read=lambda path, at_least: read_dicom(path),
    lacks_suffix=True,
    group=group_series,
    grid=lambda path: dicom_grid((path,), path),
    patient=patient_id,
)
NIFTI = Format(
    name="NIfTI",
    suffixes=(".nii", ".nii.gz"),
    is_content=lambda path: False,
    read=lambda path, at_least: read_nifti(path),
    grid=nifti_grid,
    answers=Answers((".nii", ".nii.gz"), True, write_nifti_mask, write_nifti_heatmap),
)
FORMATS = (PICTURE, DICOM, NIFTI)

EXPECTED = " or ".join([", ".join(row.name for row in FORMATS[:-1]), FORMATS[-1].name])


def by_suffix(path: object) -> Format | None:
    """Return the format that the suffix of a path stands for, or None."""
    name = str(path).lower()
    return next((row for row in FORMATS if name.endswith(row.suffixes)), None)


def format_of(path: AnyPath) -> Format | None:
    """Return the format of a file, by its suffix or else by its content; None where it is none of them."""
    return by_suffix(path) or next((row for row in FORMATS if row.is_content(path)), None)


def format_in_folder(path: AnyPath) -> Format | None:
    """Return the format of a file beside any others: by its suffix, by content only where a format lacks suffixes."""
    return by_suffix(path) or next((row for row in FORMATS if row.lacks_suffix and row.is_content(path)), None)


def stem_of(path: object) -> str:
    """Return the path of an image without the suffix of its format."""
    row, name = by_suffix(path), str(path)
    suffix = next(end for end in row.suffixes if name.lower().endswith(end)) if row else ""
    return name[: len(name) - len(suffix)]


def answers_for(scan: Scan, path: AnyPath) -> Answers:
    """Return how an answer for a scan is written to a path.

    Raises:
        ValueError: The suffix does not fit.
    """
    fitting = _answers(scan)
    name = os.fspath(path).lower()
    check_suffix(path, [suffix for row in fitting for suffix in row.suffixes])
    return next(row for row in fitting if name.endswith(row.suffixes))


def answer_suffix(scan: Scan) -> str:
    """Return the suffix of the file of a mask or heatmap in the grid of a scan, where none is asked for."""
    return _answers(scan)[0].suffixes[-1]


def check_suffix(path: AnyPath, suffixes: Sequence[str]) -> None:
    """Refuse a path with another suffix.

    Raises:
        ValueError: It has one; the message lists those that fit.
    """
    if not os.fspath(path).lower().endswith(tuple(suffixes)):
        raise ValueError(f"{path} has a suffix that does not fit. Expected one of: {', '.join(suffixes)}.")


def _answers(scan: Scan) -> list[Answers]:
    return [row.answers for row in FORMATS if row.answers is not None and row.answers.of_volumes == scan.is_volume]
