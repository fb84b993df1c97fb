"""DICOM files and series: their frames, decoded, in the units of the modality."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medzoo.io.grid import Grid, to_display_order
from medzoo.io.image import Image, Scan, check_pixels, damaged
from medzoo.io.limits import check_size
from medzoo.io.slices import arrange, slice_affine

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


_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


def _frame_headers(dataset: Dataset) -> list[Dataset]:
    """Return one header a frame: that of the file, or for enhanced files the functional groups of the frame."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        return [dataset] * int(dataset.get("NumberOfFrames") or 1)
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    return [_flatten([*shared, group]) for group in groups]


def _decode_frames(dataset: Dataset, path: str | os.PathLike) -> list[np.ndarray]:
    """Return the frames `(height, width, channels)` of a file, as stored or float32 where they were rescaled.

    Raises:
        ValueError: No pixels, or damaged ones.
        ImportError: The compression needs a package that is not installed.
    """
    _check_decodable(dataset, path)
    _check_sizes([dataset], path)
    # One frame at a time, since pydicom rescales to float64.
    return [check_pixels(frame, path) for frame in _frames(dataset, path)]


def _check_sizes(headers: Sequence[Dataset], source: str | os.PathLike) -> None:
    """Refuse files that declare, all together, more pixels than the limit."""
    first = headers[0]
    try:
        frames = sum(int(header.get("NumberOfFrames") or 1) for header in headers)
        sides = [max(int(header.get(side) or 1) for header in headers) for side in ("Rows", "Columns")]
        pixel_bytes = int(first.get("SamplesPerPixel") or 1) * int(first.get("BitsAllocated") or 8) / 8
    except (TypeError, ValueError) as error:
        raise damaged(source, error) from error
    check_size((frames, *sides), source, pixel_bytes)


def _frames(dataset: Dataset, path: str | os.PathLike) -> Iterator[np.ndarray]:
    from pydicom.pixels import pixel_array

    try:
        stored = pixel_array(dataset)
        frames = stored if int(dataset.get("NumberOfFrames") or 1) > 1 else stored[None]
        for pixels, header in zip(frames, _frame_headers(dataset), strict=True):
            pixels = _in_units(pixels, dataset, header)
            yield pixels if pixels.ndim == 3 else pixels[..., None]
    except Exception as error:
        # Every decoder has its own exceptions, for damaged data as for a variant that it does not know.
        again = "Copy or download the file again"
        is_compressed = "PixelData" in dataset and dataset["PixelData"].is_undefined_length
        fix = f"{again}, or install another decoder: {_DECODERS}" if is_compressed else f"{again}."
        raise damaged(path, error, fix) from error


def _flatten(groups: list[Dataset]) -> Dataset:
    from pydicom import Dataset

    header = Dataset()
    for group in groups:
        for element in group:
            if element.VR == "SQ" and element.value:
                header.update(element.value[0])
    return header


def _check_decodable(dataset: Dataset, path: str | os.PathLike) -> None:
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    if not any(keyword in dataset for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
        raise ValueError(
            f"{path} holds no pixels (modality {dataset.get('Modality', 'unknown')}): it is no image, or truncated. "
            "Pass a DICOM image, or copy the file again."
        )
    syntax = dataset.file_meta.get("TransferSyntaxUID", UID("1.2.840.10008.1.2"))
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise ValueError(
            f"{path} is compressed as {syntax.name}, which pydicom cannot decode. Convert it to uncompressed DICOM."
        ) from error
    if not decoder.is_available:
        raise ImportError(
            f"{path} is compressed as {syntax.name}; pydicom needs another package to decode it. "
            f"Install it: {_DECODERS}"
        )


def _in_units(pixels: np.ndarray, dataset: Dataset, header: Dataset) -> np.ndarray:
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(pixels, dataset)
    if pixels.ndim == 3:
        return pixels
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        pixels = _inverted(pixels, dataset)
    # Integers stay integers where there is nothing to rescale.
    if (header.get("RescaleSlope"), header.get("RescaleIntercept")) == (1, 0):
        return pixels
    return apply_modality_lut(pixels, header)


def _inverted(pixels: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Mirror the stored values within their range, so that white is high."""
    if pixels.dtype.kind == "f":
        return pixels.max() + pixels.min() - pixels
    values = 2**dataset.BitsStored
    lowest = -values // 2 if dataset.PixelRepresentation else 0
    highest = lowest + values - 1
    return (lowest + highest - np.clip(pixels, lowest, highest).astype(np.int64)).astype(pixels.dtype)


_SLICED = ("CT", "MR", "PT")


def is_dicom(path: str | os.PathLike) -> bool:
    """Whether a file is DICOM by its suffix `.dcm` or by `DICM` at byte 128, as files from a PACS have no suffix."""
    if os.fspath(path).lower().endswith(".dcm"):
        return True
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom(path: str | os.PathLike) -> Scan:
    """Read a DICOM file in the units of its modality (rescale slope and intercept), MONOCHROME1 inverted.

    Args:
        path: A file with one frame, or with several: those are a volume, sorted by position where the file states it.

    Returns:
        `array` `(height, width, channels)`, or `(depth, height, width, channels)` for several frames.

    Raises:
        ValueError: Not DICOM, no pixels, damaged, or several volumes in one file.
        ImportError: The compression needs a package that is not installed; the message names it.
    """
    dataset = _open(path)
    frames = _decode_frames(dataset, path)
    headers = _frame_headers(dataset)
    if len(frames) > 1:
        has_places = "PerFrameFunctionalGroupsSequence" in dataset
        return _volume(frames, headers if has_places else None, os.fspath(path))
    spacing = headers[0].get("PixelSpacing")
    return Scan(
        array=frames[0],
        shape=frames[0].shape[:2],
        spacing=tuple(float(size) for size in spacing) if spacing else None,
        affine=slice_affine(headers),
        source=os.fspath(path),
        kind="dicom",
    )


def read_series(series: DicomSeries) -> Scan:
    """Read the slices of a series as one volume, sorted along their normal; by InstanceNumber if they have no position.

    Raises:
        ValueError: Sizes or directions differ within the series, or two slices lie at the same place.
        ImportError: The compression needs a package that is not installed; the message names it.
    """
    datasets = [_open(file, stop_before_pixels=True) for file in series.files]
    _check_sizes(datasets, series.source)
    headers = [_frame_headers(dataset)[0] for dataset in datasets]
    frames = [_decode_frames(_open(file), file)[0] for file in series.files]
    return _volume(frames, headers, str(series))


def group_series(files: Sequence[str]) -> list[str | DicomSeries]:
    """Group DICOM files by folder and SeriesInstanceUID; a file that is no slice of a volume stays by itself.

    Files without pixels (reports, DICOMDIR) are left out; damaged ones are kept, so that reading them says so.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for file in files:
        key = _series_key(file)
        if key:
            groups.setdefault(key, []).append(file)
    series_in = Counter(key[0] for key in groups)
    return [
        members[0]
        if len(members) == 1
        else DicomSeries(key[0] if series_in[key[0]] == 1 else "/".join(key), tuple(members))
        for key, members in groups.items()
    ]


def _series_key(file: str) -> tuple[str, ...] | None:
    try:
        header = _open(file, stop_before_pixels=True)
        if not header.get("Rows"):
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
    headers = [header for file in files for header in _frame_headers(_open(file, stop_before_pixels=True))]
    _, affine = arrange(headers, source)
    return Grid((int(headers[0].Columns), int(headers[0].Rows), len(headers)), affine, keeps_slices=True)


def patient_id(path: str | os.PathLike) -> str:
    """Return the PatientID in the header of a file, or ""."""
    import pydicom

    return str(pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["PatientID"]).get("PatientID") or "")


def _open(path: str | os.PathLike, stop_before_pixels: bool = False) -> Dataset:
    import pydicom

    try:
        return pydicom.dcmread(Path(path), stop_before_pixels=stop_before_pixels)
    except pydicom.errors.InvalidDicomError as error:
        raise ValueError(
            f"{path} is no DICOM file: 'DICM' is missing at byte 128. "
            "Copy it again, or export it as a DICOM file with its header (part 10)."
        ) from error
    except Exception as error:
        # A damaged header makes pydicom raise nearly anything.
        raise damaged(path, error) from error


def _volume(frames: list[np.ndarray], headers: list[Dataset] | None, source: str) -> Scan:
    shapes = sorted({frame.shape for frame in frames})
    if len(shapes) > 1:
        raise ValueError(f"{source} has slices of different sizes: {shapes}. Keep the slices of one size in a folder.")
    order, affine = arrange(headers, source) if headers else (range(len(frames)), None)
    volume = np.stack([frames[index] for index in order])
    if affine is None:
        return Scan(volume, volume.shape[:3], source=source, kind="dicom")
    volume, orientation, spacing = to_display_order(np.swapaxes(volume, 0, 2), affine, source, keep_slices=True)
    return Scan(volume, volume.shape[:3], spacing, affine, orientation, source, "dicom")
