"""A folder to rows, whatever is wrong in it."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from medzoo.data.audit.record import Finding
from medzoo.data.audit.rows import Row, named_patients, place_of, rows_of
from medzoo.data.sources.checks import Patient
from medzoo.data.sources.coco import from_coco, is_coco
from medzoo.data.sources.folders import MASK_NAME
from medzoo.files import read_json
from medzoo.io import find_scans
from medzoo.io.formats import stem_of

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


def walk(folder: str, patient: Patient) -> tuple[list[Row], list[Finding]]:
    """Return the images of a folder with what their places and the COCO files say of them.

    Raises:
        FileNotFoundError: There is no such folder, or no scan in it.
        ValueError: `patient` finds no patient for a file.
    """
    found = find_scans(folder)
    scans, masks, findings = pair_masks(found, folder)
    patients = named_patients([str(scan) for scan in scans], folder, patient)
    rows = [
        Row(scan, *place_of(str(scan), folder), name, masks.get(str(scan), ()))
        for scan, name in zip(scans, patients, strict=True)
    ]
    annotated, refused = _coco(folder)
    rows = [_annotate(row, annotated.get(os.path.normpath(row.source))) for row in rows]
    findings += [*_unlisted(rows, annotated), *refused, *_empty_folders(folder, found)]
    return _without_single_class(rows), findings


def _coco(folder: str) -> tuple[dict[str, Row], list[Finding]]:
    """Return what the COCO files say by the path of the image, and what is wrong with them."""
    rows, findings = {}, []
    for file in sorted([*Path(folder).glob("*.json"), *Path(folder).glob("*/*.json")]):
        try:
            if is_coco(read_json(file)):
                rows |= {row.source: row for row in rows_of(from_coco(file))}
        except (ValueError, OSError) as error:
            findings.append(Finding("annotations", "error", (str(file),), str(error)))
    return rows, findings


def _annotate(row: Row, annotation: Row | None) -> Row:
    if annotation is None:
        return row
    return replace(row, image=annotation.image, label=annotation.label, grid=annotation.grid)


def _unlisted(rows: list[Row], annotated: dict[str, Row]) -> Iterator[Finding]:
    folders = {os.path.dirname(source) for source in annotated}
    for source in (os.path.normpath(row.source) for row in rows):
        if os.path.dirname(source) in folders and source not in annotated:
            yield Finding("image without label", "warning", (source,), "The COCO file of its folder does not list it.")


def _empty_folders(folder: str, scans: list) -> Iterator[Finding]:
    """Find folders without scans beside folders with scans: an empty class, or a split that was not copied."""
    used = {str(parent) for scan in scans for parent in Path(os.path.relpath(str(scan), folder)).parents}
    for parent, names, _ in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        places = {name: os.path.relpath(os.path.join(parent, name), folder) for name in names}
        if any(place in used for place in places.values()):
            for name in [name for name, place in places.items() if place not in used]:
                path = os.path.join(parent, name)
                yield Finding("empty folder", "error", (path,), "It holds no scan, but the folders beside it do.")


def _without_single_class(rows: list[Row]) -> list[Row]:
    """One folder such as `images` or `volumes` is no class."""
    return [replace(row, label="") for row in rows] if len({row.label for row in rows}) == 1 else rows
