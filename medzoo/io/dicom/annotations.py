"""DICOM Segmentations as ground truth: the label of each pixel of the series that they refer to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from medzoo.errors import require
from medzoo.io.dicom.headers import open_dicom
from medzoo.io.dicom.kinds import no_scan

_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66."
_KINDS = (f"{_SEGMENTATION}4", f"{_SEGMENTATION}7")


def segment_names(path: str | os.PathLike) -> tuple[str, ...]:
    """Return "background" and the labels of the segments of a DICOM Segmentation, by their number.

    Raises:
        ValueError: The file is something else.
        ImportError: highdicom is not installed.
    """
    seg = _open(path)
    return ("background", *(seg.get_segment_description(number).segment_label for number in seg.segment_numbers))


def read_annotation(path: str | os.PathLike, files: Sequence[str]) -> np.ndarray:
    """Return which segment each pixel of some DICOM files has: 0 for none, else its place in `segment_names`.

    Slices without a frame have no segment. Of a FRACTIONAL one a pixel has the likeliest segment, from 0.5 on.

    Args:
        path: The DICOM Segmentation.
        files: DICOM files of one frame each.

    Returns:
        `(files, rows, columns)`, uint8.

    Raises:
        ValueError: It refers to other files, its segments overlap, or it has another size.
    """
    seg = _open(path)
    uids = [str(open_dicom(file, stop_before_pixels=True).SOPInstanceUID) for file in files]
    referred = {str(uid) for _, _, uid in seg.get_source_image_uids()}
    if not referred & set(uids):
        raise ValueError(
            f"{path} refers to other images than {os.path.dirname(files[0])}: none of its {len(referred)} sources is "
            f"one of these {len(files)} files. Give the segmentation of this series."
        )
    lost = referred - set(uids)
    if lost:
        raise ValueError(
            f"{path} refers to {len(lost)} images that are not among the {len(files)} files of its series. "
            "Add the missing slices."
        )
    try:
        if seg.segmentation_type.value == "FRACTIONAL":
            shares = _pixels(seg, uids, combine_segments=False)
            return np.where(shares.max(-1) >= 0.5, 1 + shares.argmax(-1), 0).astype(np.uint8)
        return _pixels(seg, uids, combine_segments=True, relabel=True).astype(np.uint8)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} cannot be laid on its series: {error}. Write it anew for this series.") from error


def _pixels(seg: Any, uids: Sequence[str], **options: Any) -> np.ndarray:
    return np.asarray(
        seg.get_pixels_by_source_instance(
            uids, ignore_spatial_locations=True, assert_missing_frames_are_empty=True, **options
        )
    )


def _open(path: str | os.PathLike) -> Any:
    highdicom = require("highdicom", "dicom")
    dataset = open_dicom(path)
    if str(dataset.get("SOPClassUID")) not in _KINDS:
        kind = no_scan(dataset) or "a scan"
        raise ValueError(
            f"{path} is {kind}; expected a mask as a DICOM Segmentation (SEG), NIfTI or picture. "
            "Convert contours of RTSTRUCT to one of them first."
        )
    return highdicom.seg.Segmentation.from_dataset(dataset)
