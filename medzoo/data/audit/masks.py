"""Which files of a folder are masks, and of which image."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from medzoo.data.audit.finding import Finding
from medzoo.data.folders import MASK_NAME, stem_of

# `images` beside `labels`, and `imagesTr` beside `labelsTr`; what they have in common names the pair.
_IMAGES = re.compile(r"(?:images?|imgs?|volumes?)(tr|ts)?", re.IGNORECASE)
_MASKS = re.compile(r"(?:labels?|masks?|annotations?|segmentations?)(tr|ts)?", re.IGNORECASE)

Scans = Sequence[Any]


def pair_masks(scans: Scans, folder: str) -> tuple[list[Any], dict[str, tuple[Any, ...]], list[Finding]]:
    """Tell images from masks by their names: `labels/1.png` beside `images/1.png`, or `1_mask.png` beside `1.png`.

    Args:
        scans: All scans of a folder, as `find_scans` returns them.
        folder: That folder.

    Returns:
        The images; the masks of each image that has any, by its source; and a finding for every image without a mask in
        a folder where others have one, and for every mask without an image.
    """
    stems = [os.path.relpath(stem_of(scan), folder) for scan in scans]
    images: dict[str, list[Any]] = defaultdict(list)
    masks: dict[str, list[Any]] = defaultdict(list)
    for scan, stem in zip(scans, stems, strict=True):
        is_mask = MASK_NAME.fullmatch(os.path.basename(stem)) or _is_in(stem, _MASKS)
        (masks if is_mask else images)[_key(stem)].append(scan)
    if not images.keys() & masks.keys() and not any(_is_in(stem, _IMAGES) for stem in stems):
        # Names that only look like those of masks.
        return list(scans), {}, []
    covered = {os.path.dirname(key) for key in masks}
    lonely = [scan for key, found in masks.items() if key not in images for scan in found]
    bare = [key for key in images if key not in masks and os.path.dirname(key) in covered]
    findings = _each("label without image", lonely, "No image belongs to this mask.")
    findings += _each(
        "image without label",
        [scan for key in bare for scan in images[key]],
        "No mask belongs to it, though others in its folder have one.",
    )
    pairs = {str(scan): tuple(masks[key]) for key, found in images.items() if key in masks for scan in found}
    return [scan for found in images.values() for scan in found], pairs, findings


def _is_in(stem: str, kind: re.Pattern[str]) -> bool:
    """Whether a path leads through a folder of that kind."""
    return any(kind.fullmatch(part) for part in stem.split(os.sep)[:-1])


def _key(stem: str) -> str:
    """Return what the path of an image shares with that of its mask."""
    *folders, name = stem.split(os.sep)
    found = [_IMAGES.fullmatch(part) or _MASKS.fullmatch(part) for part in folders]
    kept = [f"*{match[1] or ''}" if match else part for match, part in zip(found, folders, strict=True)]
    match = MASK_NAME.fullmatch(name)
    return os.sep.join([*kept, match[1] if match else name])


def _each(kind: str, scans: Iterable[Any], text: str) -> list[Finding]:
    return [Finding(kind, "error", (str(scan),), text) for scan in scans]
