"""The frames of a DICOM file, decoded, in the units of the modality, and which of their pixels are padding."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from medzoo.io.dicom.headers import frame_headers
from medzoo.io.image import check_pixels, damaged
from medzoo.io.limits import check_size
from medzoo.io.raster.jpeg import check_stream

if TYPE_CHECKING:
    from pydicom import Dataset

_DECODERS = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


class Frame(NamedTuple):
    """Pixels `(height, width, channels)`, as stored or float32 where they were rescaled; and which are padding."""

    pixels: np.ndarray
    padding: np.ndarray | None


def decode_frames(dataset: Dataset, path: str | os.PathLike) -> list[Frame]:
    """Return the frames of a file.

    Raises:
        ValueError: No pixels, or damaged ones.
        ImportError: The compression needs a package that is not installed.
    """
    _check_decodable(dataset, path)
    check_sizes([dataset], path)
    _check_jpegs(dataset, path)
    # One frame at a time, since pydicom rescales to float64.
    return [Frame(check_pixels(pixels, path), padding) for pixels, padding in _frames(dataset, path)]


def check_sizes(headers: Sequence[Dataset], source: str | os.PathLike) -> None:
    """Refuse files that declare, all together, more pixels than the limit."""
    first = headers[0]
    try:
        frames = sum(int(header.get("NumberOfFrames") or 1) for header in headers)
        sides = [max(int(header.get(side) or 1) for header in headers) for side in ("Rows", "Columns")]
        pixel_bytes = int(first.get("SamplesPerPixel") or 1) * int(first.get("BitsAllocated") or 8) / 8
    except (TypeError, ValueError) as error:
        raise damaged(source, error) from error
    check_size((frames, *sides), source, pixel_bytes)


def darkest(array: np.ndarray, padding: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Return an image whose padding has the lowest value of its other pixels, and the padding; None if it is all."""
    if padding is None or padding.all():
        return array, None
    return np.where(padding[..., None], array[~padding].min(), array).astype(array.dtype, copy=False), padding


# Filters of warnings belong to all threads; pydicom decodes runs in Python, one thread at a time anyway.
_FILTERS = threading.Lock()


@contextlib.contextmanager
def _strict_runs() -> Iterator[None]:
    """Make an error of pydicom's warning that runs (RLE) hold more pixels than the image: a count in them is wrong."""
    with _FILTERS, warnings.catch_warnings():
        warnings.filterwarnings("error", "The decoded RLE segment")
        yield


def _check_jpegs(dataset: Dataset, path: str | os.PathLike) -> None:
    """Refuse JPEG streams that break off or are damaged, which Pillow fills up with grey without a word."""
    from pydicom.encaps import generate_frames
    from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

    is_jpeg = dataset.file_meta.get("TransferSyntaxUID") in (JPEGBaseline8Bit, JPEGExtended12Bit)
    # libjpeg-turbo, which is strict, has no 12 bits.
    if not is_jpeg or int(dataset.get("BitsStored") or 8) > 8:
        return
    try:
        streams = list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1)))
    except Exception as error:
        raise damaged(path, error) from error
    for stream in streams:
        check_stream(stream, path)


def _frames(dataset: Dataset, path: str | os.PathLike) -> Iterator[Frame]:
    from pydicom.pixels import pixel_array
    from pydicom.uid import RLELossless

    is_runs = dataset.file_meta.get("TransferSyntaxUID") == RLELossless
    try:
        with _strict_runs() if is_runs else contextlib.nullcontext():
            stored = pixel_array(dataset)
        frames = stored if int(dataset.get("NumberOfFrames") or 1) > 1 else stored[None]
        for frame, header in zip(frames, frame_headers(dataset), strict=True):
            pixels = _in_units(frame, dataset, header)
            yield Frame(pixels if pixels.ndim == 3 else pixels[..., None], _padding(frame, dataset))
    except Exception as error:
        # Every decoder has its own exceptions, for damaged data as for a variant that it does not know.
        again = "Copy or download the file again"
        is_compressed = "PixelData" in dataset and dataset["PixelData"].is_undefined_length
        fix = f"{again}, or install another decoder: {_DECODERS}" if is_compressed else f"{again}."
        raise damaged(path, error, fix) from error


def _padding(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """Return where stored values are those that the header calls padding; None where there are none."""
    kind = {"f4": "Float", "f8": "DoubleFloat"}.get(stored.dtype.str[1:], "")
    first = dataset.get(f"{kind}PixelPaddingValue")
    if stored.ndim != 2 or first is None or dataset.PhotometricInterpretation == "PALETTE COLOR":
        return None
    last = dataset.get(f"{kind}PixelPaddingRangeLimit")
    # A signed value that a file states as an unsigned one, or the reverse, has the same bits.
    limits = np.array([first, first if last is None else last]).astype(stored.dtype)
    padding = (stored >= limits.min()) & (stored <= limits.max())
    return padding if padding.any() else None


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
