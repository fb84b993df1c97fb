"""A folder to rows, whatever is wrong in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from medzoo.data.audit.finding import Finding
from medzoo.data.audit.masks import pair_masks
from medzoo.data.audit.rows import Row, named_patients, place_of, rows_of
from medzoo.data.checks import Patient
from medzoo.data.coco import from_coco, is_coco
from medzoo.io import find_scans
from medzoo.io.files import read_json


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
