"""The pixels of a DICOM file, frame by frame, in the units of its modality."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from medzoo.io.checks import check_pixels, damaged

if TYPE_CHECKING:
    from pydicom import Dataset


_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


def frame_headers(dataset: Dataset) -> list[Dataset]:
    """Return one header a frame: that of the file, or for enhanced files the functional groups of the frame."""
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    if not groups:
        return [dataset] * int(dataset.get("NumberOfFrames") or 1)
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])
    return [_flatten([*shared, group]) for group in groups]


def decode_frames(dataset: Dataset, path: str | os.PathLike) -> list[np.ndarray]:
    """Return the frames `(height, width, channels)` of a file, as stored or float32 where they were rescaled.

    Raises:
        ValueError: No pixels, or damaged ones.
        ImportError: The compression needs a package that is not installed.
    """
    _check_decodable(dataset, path)
    # One frame at a time, since pydicom rescales to float64.
    return [check_pixels(frame, path) for frame in _frames(dataset, path)]


def _frames(dataset: Dataset, path: str | os.PathLike) -> Iterator[np.ndarray]:
    from pydicom.pixels import pixel_array

    try:
        stored = pixel_array(dataset)
        frames = stored if int(dataset.get("NumberOfFrames") or 1) > 1 else stored[None]
        for pixels, header in zip(frames, frame_headers(dataset), strict=True):
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
