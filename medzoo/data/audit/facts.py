"""What the audit keeps of one image: a few numbers and a thumbnail, never its pixels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from medzoo.data.sources.names import is_removed, patient_name
from medzoo.io import Scan, as_image

# Large JPEGs are decoded at this scale: thumbnails are 64 pixels wide, and what is constant at 256 is constant.
_ENOUGH = (256, 256)
_VIEW = (64, 64)
_SHARES = (0.5, 0.25, 0.75)
_CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, eq=False)
class Facts:
    """What the audit knows of one file.

    Args:
        shape: Size in pixels, ([depth,] height, width); empty where the file cannot be read.
        spacing: Size of a voxel in mm, as `shape`; None where the file does not say.
        mode: Type of the pixels, channels and kind of the file, such as "uint8 grey raster".
        patient: PatientID of a DICOM file, else empty.
        digest: The same for equal pixels, whatever the container; from 512 pixels on, of a JPEG at reduced scale.
        views: Thumbnail (1, 64, 64) as uint8, of a volume its slices at 1/2, 1/4 and 3/4 of the depth (3, 64, 64); none
            where the file cannot be read.
        is_constant: Whether all pixels are equal.
        is_grey_in_rgb: Whether three channels hold the same.
        error: Why the file cannot be read, else empty.
    """

    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] | None = None
    mode: str = ""
    patient: str = ""
    digest: bytes = b""
    views: np.ndarray = field(default_factory=lambda: np.empty((0, *_VIEW), np.uint8))
    is_constant: bool = False
    is_grey_in_rgb: bool = False
    error: str = ""


def inspect(source: Any) -> Facts:
    """Read an image and keep its facts, but not its pixels.

    Args:
        source: What `medzoo.read_scan` takes.
    """
    try:
        image = as_image(source)
        patient = image.patient()
        return _facts(image.read(_ENOUGH), "" if is_removed(patient_name(patient)) else patient)
    except Exception as error:
        # Libraries raise almost anything for damaged files, and one such file must not end the audit.
        return Facts(error=" ".join(str(error).split()) or type(error).__name__)


def _facts(scan: Scan, patient: str) -> Facts:
    # The readers refuse NaN, but arrays need not come from them.
    if scan.array.dtype.kind == "f" and not np.isfinite(scan.array).all():
        raise ValueError(f"{scan.source} has pixels that are NaN or infinite; expected finite numbers.")
    views = _views(scan)
    return Facts(
        shape=tuple(scan.shape),
        spacing=scan.spacing,
        mode=f"{scan.array.dtype} {_CHANNELS.get(scan.channels, f'{scan.channels} channels')} {scan.kind}",
        patient=patient,
        digest=_digest(scan),
        views=views,
        is_constant=bool(scan.array.min() == scan.array.max()),
        is_grey_in_rgb=scan.channels == 3
        and all(np.array_equal(scan.array[..., 0], scan.array[..., c]) for c in (1, 2)),
    )


def _views(scan: Scan) -> np.ndarray:
    depth = len(scan.array)
    slices = [scan.array[int(depth * share)] for share in _SHARES] if scan.is_volume else [scan.array]
    return np.stack([_view(pixels) for pixels in slices])


def _view(pixels: np.ndarray) -> np.ndarray:
    """Return a thumbnail that takes the whole range of grey, so that window and bit depth do not count."""
    small = cv2.resize(np.ascontiguousarray(pixels), _VIEW, interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = small if small.ndim == 2 else small.mean(axis=-1)
    low, high = grey.min(), grey.max()
    return np.round((grey - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)


def _digest(scan: Scan) -> bytes:
    digest = hashlib.sha256(f"{scan.array.dtype} {scan.shape}".encode())
    digest.update(np.ascontiguousarray(scan.array).data)
    return digest.digest()
