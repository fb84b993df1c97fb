"""DICOM files and series: their frames, decoded, in the units of the modality."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medzoo.io.dicom.headers import frame_headers, is_bare, open_dicom, open_image
from medzoo.io.dicom.kinds import DIRECTORY, no_scan
from medzoo.io.dicom.pixels import Frame, check_sizes, darkest, decode_frames
from medzoo.io.dicom.slices import arrange, slice_affine, spacing_of
from medzoo.io.grid import Grid, to_display_order
from medzoo.io.image import Image, Scan

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class DicomSeries(Image):
    """The DICOM files of one volume, as `find_scans` groups them; `str()` of it names the series.

    Args:
        source: The folder, or folder/SeriesInstanceUID where a folder holds several series.
        files: Paths of the slices, in any order.
    """

    source: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        return self.source

    def read(self, at_least: tuple[int, ...] | None = None) -> Scan:
        """Read the slices as one volume, as `read_series` does."""
        return read_series(self)

    def paths(self) -> tuple[str, ...]:
        """Return the paths of the slices."""
        return self.files

    def patient(self) -> str:
        """Return the PatientID of the first slice."""
        return patient_id(self.files[0])

    def grid(self) -> Grid:
        """Return the grid of the volume, from the headers of all slices."""
        return dicom_grid(self.files, self.source)


_SLICED = ("CT", "MR", "PT")


def is_dicom(path: str | os.PathLike) -> bool:
    """Whether a file is DICOM by its suffix `.dcm` or by its first bytes, as files from a PACS have no suffix."""
    if os.fspath(path).lower().endswith(".dcm"):
        return True
    with open(path, "rb") as file:
        has_magic = file.read(132)[128:] == b"DICM"
    return has_magic or is_bare(path)


def read_dicom(path: str | os.PathLike) -> Scan:
    """Read a DICOM file in the units of its modality (rescale slope and intercept), MONOCHROME1 inverted.

    Args:
        path: A file with one frame, or with several: those are a volume, sorted by position where the file states it.

    Returns:
        `array` `(height, width, channels)`, or `(depth, height, width, channels)` for several frames.

    Raises:
        ValueError: Not DICOM, no scan (a segmentation, a dose, a report), no pixels, damaged, or several volumes.
        ImportError: The compression needs a package that is not installed; the message names it.
    """
    dataset = open_image(path)
    frames, headers = decode_frames(dataset, path), frame_headers(dataset)
    if len(frames) > 1:
        places = [(os.fspath(path), number) for number in range(len(frames))]
        return _volume(frames, headers, places, os.fspath(path), in_order=True)
    pixels, padding = darkest(*frames[0])
    return Scan(
        array=pixels,
        shape=pixels.shape[:2],
        spacing=spacing_of(headers[0]),
        affine=slice_affine(headers[0]),
        source=os.fspath(path),
        kind="dicom",
        padding=padding,
        frames=((os.fspath(path), 0),),
    )


def read_series(series: DicomSeries) -> Scan:
    """Read the slices of a series as one volume, sorted along their normal; by InstanceNumber if they have no position.

    Raises:
        ValueError: Sizes, directions or spacings differ within the series, or its slices are no straight stack.
        ImportError: The compression needs a package that is not installed; the message names it.
    """
    datasets = [open_image(file, stop_before_pixels=True) for file in series.files]
    check_sizes(datasets, series.source)
    headers = [frame_headers(dataset)[0] for dataset in datasets]
    frames = [decode_frames(open_image(file), file)[0] for file in series.files]
    return _volume(frames, headers, [(file, 0) for file in series.files], str(series))


def group_series(files: Sequence[str]) -> list[str | DicomSeries]:
    """Group DICOM files by folder and SeriesInstanceUID; a file that is no slice of a volume stays by itself.

    What is no scan (segmentations, doses, reports) is left out with a warning that names it; damaged files are kept, so
    that reading them says so.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    others: dict[str, list[str]] = {}
    for file in files:
        key = _series_key(file, others)
        if key:
            groups.setdefault(key, []).append(file)
    for kind, members in others.items():
        _pass_over(kind, members)
    series_in = Counter(key[0] for key in groups)
    return [
        members[0]
        if len(members) == 1
        else DicomSeries(key[0] if series_in[key[0]] == 1 else "/".join(key), tuple(members))
        for key, members in groups.items()
    ]


def _pass_over(kind: str, files: Sequence[str]) -> None:
    are = "is passed over: it is" if len(files) == 1 else f"and {len(files) - 1} more are passed over: each is"
    warnings.warn(f"{files[0]} {are} {kind}, no scan.", stacklevel=3)


def _series_key(file: str, others: dict[str, list[str]]) -> tuple[str, ...] | None:
    """Return what the files of a volume share; None for what is no scan, which is put to `others` by its kind."""
    try:
        header = open_dicom(file, stop_before_pixels=True)
        kind = no_scan(header) or (None if header.get("Rows") else "a file without pixels")
        if kind:
            if kind != DIRECTORY:
                others.setdefault(kind, []).append(file)
            return None
        is_slice = "ImagePositionPatient" in header or header.get("Modality") in _SLICED
        if is_slice and int(header.get("NumberOfFrames") or 1) == 1 and header.get("SeriesInstanceUID"):
            return os.path.dirname(file), str(header.SeriesInstanceUID)
    except ValueError:
        # Damaged: reading it says so.
        pass
    return (file,)


def dicom_grid(files: Sequence[str], source: str) -> Grid:
    """Return the grid of a series, or of a file of several frames, from its headers.

    Raises:
        ValueError: A file cannot be read, or they are no volume.
    """
    headers = [header for file in files for header in frame_headers(open_image(file, stop_before_pixels=True))]
    _, affine = arrange(headers, source, in_order=len(files) == 1)
    first = open_image(files[0], stop_before_pixels=True)
    return Grid((int(first.Columns), int(first.Rows), len(headers)), affine, keeps_slices=True)


def patient_id(path: str | os.PathLike) -> str:
    """Return the PatientID in the header of a file, or ""."""
    return str(open_dicom(path, stop_before_pixels=True).get("PatientID") or "")


def _volume(
    frames: list[Frame],
    headers: list[Dataset],
    places: Sequence[tuple[str, int]],
    source: str,
    in_order: bool = False,
) -> Scan:
    shapes = sorted({frame.pixels.shape for frame in frames})
    if len(shapes) > 1:
        raise ValueError(f"{source} has slices of different sizes: {shapes}. Keep the slices of one size in a folder.")
    order, affine = arrange(headers, source, in_order)
    volume = np.stack([frames[index].pixels for index in order])
    volume, padding = darkest(volume, _stacked_padding([frames[index] for index in order]))
    if affine is None:
        sorted_places = tuple(places[index] for index in order)
        return Scan(volume, volume.shape[:3], source=source, kind="dicom", padding=padding, frames=sorted_places)
    volume, orientation, spacing = to_display_order(np.swapaxes(volume, 0, 2), affine, source, keep_slices=True)
    if padding is not None:
        turned, _, _ = to_display_order(np.swapaxes(padding[..., None], 0, 2), affine, source, keep_slices=True)
        padding = turned[..., 0]
    stored = tuple(places[index] for index in order)
    return Scan(volume, volume.shape[:3], spacing, affine, orientation, source, "dicom", padding=padding, frames=stored)


def _stacked_padding(frames: list[Frame]) -> np.ndarray | None:
    if all(frame.padding is None for frame in frames):
        return None
    shape = frames[0].pixels.shape[:2]
    return np.stack([np.zeros(shape, bool) if frame.padding is None else frame.padding for frame in frames])
