"""What a data set says of its images before any of them is read: split, class, patient, masks.

`medzoo.data.read` refuses a data set that has errors. Here they become findings, so tables and folders are gone
through by rules that never fail.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medzoo.data.audit.record import Finding
from medzoo.data.samples import Samples
from medzoo.data.sources.checks import SPLIT_NAMES, Patient
from medzoo.data.sources.coco import from_coco
from medzoo.data.sources.coco_entries import is_coco
from medzoo.data.sources.masks import as_mask
from medzoo.data.sources.names import as_text, patient_name
from medzoo.data.sources.pairs import mask_name
from medzoo.data.sources.patients import stated_patients
from medzoo.data.table_files import Table, names_in, read_table
from medzoo.files import read_json
from medzoo.io import as_image, find_scans
from medzoo.io.formats import NIFTI, by_suffix, stem_of


@dataclass(frozen=True, eq=False)
class Row:
    """One image of a data set.

    Args:
        image: What `medzoo.read_scan` takes.
        split: "train", "valid", "test", or "".
        label: Name of its class, of a segmentation the labels in its mask, or "".
        patient: Patient, or "" where the data set names none.
        masks: Files of its mask, which are read as well.
        grid: Size that its annotation states, ([depth,] height, width); None where it states none.
    """

    image: Any
    split: str = ""
    label: str = ""
    patient: str = ""
    masks: tuple[Any, ...] = ()
    grid: tuple[int, ...] | None = None

    @property
    def source(self) -> str:
        """Path of the image, or what stands for it."""
        return as_image(self.image).source


def rows_of(samples: Samples) -> list[Row]:
    """Return the rows of Samples.

    Raises:
        ValueError: They are packed by `medzoo prepare`, which leaves nothing of the files to audit.
    """
    for image in samples.images:
        if as_image(image).preprocessing is not None:
            as_image(image).read()
    patients = samples.patients if samples.has_patients else ("",) * len(samples)
    return [
        Row(image, split, _label(target, samples), patient, **_mask(target))
        for image, target, patient, split in zip(samples.images, samples.targets, patients, samples.splits, strict=True)
    ]


def _label(target: Any, samples: Samples) -> str:
    """Return the class of a target, the labels of an annotation that lists them, or ""; reads no mask."""
    if samples.task_type.is_categorical:
        return samples.labels[target]
    mask = as_mask(target)
    return " + ".join(samples.labels[index] for index in mask.listed() if index) if mask else ""


def _mask(target: Any) -> dict[str, Any]:
    """Return the file of a mask, which will be read, or else the size that the target states."""
    mask = as_mask(target)
    if mask is None:
        return {}
    return {"grid": mask.shape} if mask.own_file() is None else {"masks": (mask.own_file(),)}


def _place_of(source: str, folder: str) -> tuple[str, str]:
    """Return split and class of a file: folders below `folder` named after a split, and the first other one."""
    parts = Path(os.path.relpath(source, folder)).parts[:-1]
    split = next((SPLIT_NAMES[part.lower()] for part in parts if part.lower() in SPLIT_NAMES), "")
    return split, next((part for part in parts if part.lower() not in SPLIT_NAMES), "")


def _named_patients(scans: Sequence[Any], folder: str, patient: Patient) -> tuple[Sequence[str], list[Finding]]:
    """Return the patient of each scan, "" for none: by `patient`, or by a table, whose faults are findings."""
    names = [os.path.relpath(str(scan), folder) for scan in scans]
    nobody = [""] * len(scans)
    try:
        return stated_patients(scans, names, patient, folder) or nobody, []
    except ValueError as error:
        if patient is not None:
            raise
        return nobody, [Finding("patients", "error", (folder,), str(error))]


_KINDS = ("label", "target", "mask", "patient", "split")


def table_rows(path: str, options: Mapping[str, Any]) -> tuple[list[Row], list[Finding]]:
    """Return the images that a table lists; missing files, empty cells and unknown splits become findings.

    Args:
        path: CSV or Parquet file.
        options: Names of columns, as in `from_table`.

    Raises:
        FileNotFoundError: There is no such table.
        ValueError: It is no table, or has no such column.
    """
    table = read_table(path)
    columns = {kind: name for kind in _KINDS if (name := table.column_if_any(kind, options.get(kind)))}
    images = options.get("image") or options.get("channels") or table.column("image", None)
    images = [images] if isinstance(images, str) else images
    columns.pop("patient", None)
    if person := table.patients(options.get("patient"), (*images, *columns.values())):
        columns["patient"] = person
    for name in [name for column in images for name in names_in(column)]:
        table.column("image", name)
    folder = options.get("folder") or os.path.dirname(path)
    rows: list[Row] = []
    findings: list[Finding] = []
    for number, cells in _lines(table):
        values = {kind: cells[column] for kind, column in columns.items()}
        files = [os.path.join(folder, name) for column in images if (name := _file(cells, column))]
        if len(files) < len(images):
            findings.append(Finding("missing file", "error", (path,), f"Row {number} of {path} names no image."))
        masks = [os.path.join(folder, values["mask"])] if values.get("mask") else []
        findings += _faults(f"Row {number} of {path}", [*files, *masks], values)
        present = tuple(name for name in masks if os.path.exists(name))
        rows += [_row(file, values, present) for file in files if os.path.exists(file)]
    return rows, findings


def _lines(table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    for number, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        yield number, dict(zip(table.columns, map(as_text, cells), strict=True))


def _file(cells: Mapping[str, str], column: str) -> str:
    return column.format_map(cells) if "{" in column else cells[column]


def _row(file: str, values: Mapping[str, str], masks: tuple[str, ...]) -> Row:
    split = SPLIT_NAMES.get(values.get("split", "").lower(), "")
    return Row(file, split, values.get("label", ""), patient_name(values.get("patient")), masks)


def _faults(where: str, files: list[str], values: Mapping[str, str]) -> Iterator[Finding]:
    missing = [file for file in files if not os.path.exists(file)]
    if missing:
        yield Finding("missing file", "error", tuple(missing), f"{where} names it.")
    empty = [kind for kind in ("label", "target", "mask") if values.get(kind) == ""]
    if empty:
        yield Finding("no target", "error", tuple(files), f"{where} has an empty cell for the {empty[0]}.")
    split = values.get("split", "")
    if split and split.lower() not in SPLIT_NAMES:
        yield Finding("unknown split", "error", tuple(files), f"{where} has the split '{split}'.")


# `images` beside `labels`, and `imagesTr` beside `labelsTr`: the ending, which they share, tells the pairs apart.
_IMAGES = re.compile(r"(?:images?|imgs?|volumes?)(tr|ts)?", re.IGNORECASE)
_MASKS = re.compile(r"(?:labels?|masks?|annotations?|segmentations?)(tr|ts)?", re.IGNORECASE)


def _pair_masks(scans: Sequence[Any], folder: str) -> tuple[list[Any], dict[str, tuple[Any, ...]], list[Finding]]:
    """Tell images from masks by their names: `labels/1.png` beside `images/1.png`, or `1_mask.png` beside `1.png`.

    Args:
        scans: All scans of a folder, as `find_scans` returns them.
        folder: That folder.

    Returns:
        The images; the masks of each image that has any, by its source; and a finding for every mask without an image,
        and for every image without a mask where other images in its folder have one.
    """
    stems = [os.path.relpath(stem_of(scan), folder) for scan in scans]
    images: dict[str, list[Any]] = defaultdict(list)
    masks: dict[str, list[Any]] = defaultdict(list)
    for scan, stem in zip(scans, stems, strict=True):
        is_mask = mask_name(stem if by_suffix(scan) is NIFTI else os.path.basename(stem)) or _is_in(stem, _MASKS)
        (masks if is_mask else images)[_key(stem)].append(scan)
    images = _by_case(images, masks)
    if not images.keys() & masks.keys() and not any(_is_in(stem, _IMAGES) for stem in stems):
        # These names only look like those of masks.
        return list(scans), {}, []
    covered = {os.path.dirname(key) for key in masks}
    lonely = [scan for key, members in masks.items() if key not in images for scan in members]
    bare = [key for key in images if key not in masks and os.path.dirname(key) in covered]
    findings = _each("label without image", lonely, "No image belongs to this mask.")
    findings += _each(
        "image without label",
        [scan for key in bare for scan in images[key]],
        "No mask belongs to it, though others in its folder have one.",
    )
    pairs = {str(scan): tuple(masks[key]) for key, members in images.items() if key in masks for scan in members}
    return [scan for members in images.values() for scan in members], pairs, findings


def _by_case(images: Mapping[str, list[Any]], masks: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Give the channels of a case (`case_0000`, `case-t1`, `case/t2`) the key of its mask."""
    by_case: dict[str, list[Any]] = defaultdict(list)
    for key, members in images.items():
        case = re.sub(r"[_\-/][^_\-/]+$", "", key)
        by_case[case if key not in masks and case in masks else key] += members
    return by_case


def _is_in(stem: str, kind: re.Pattern[str]) -> bool:
    return any(kind.fullmatch(part) for part in stem.split(os.sep)[:-1])


def _key(stem: str) -> str:
    """Return what the path of an image has in common with that of its mask."""
    *folders, name = stem.split(os.sep)
    matches = [_IMAGES.fullmatch(part) or _MASKS.fullmatch(part) for part in folders]
    shared = [f"*{match[1] or ''}" if match else part for match, part in zip(matches, folders, strict=True)]
    path = os.sep.join([*shared, name])
    mask = mask_name(path)
    return mask[1] if mask else path


def _each(kind: str, scans: Iterable[Any], text: str) -> list[Finding]:
    return [Finding(kind, "error", (str(scan),), text) for scan in scans]


def folder_rows(folder: str, patient: Patient) -> tuple[list[Row], list[Finding]]:
    """Return the images of a folder, with what their folders and the COCO files say of them.

    Raises:
        FileNotFoundError: There is no such folder, or no scan in it.
        ValueError: `patient` finds no patient for a file.
    """
    everything = find_scans(folder)
    scans, masks, findings = _pair_masks(everything, folder)
    patients, unclear = _named_patients(scans, folder, patient)
    rows = [
        Row(scan, *_place_of(str(scan), folder), name, masks.get(str(scan), ()))
        for scan, name in zip(scans, patients, strict=True)
    ]
    annotated, refused = _coco(folder)
    rows = [_annotate(row, annotated.get(os.path.normpath(row.source)), patient) for row in rows]
    findings += [*unclear, *_unlisted(rows, annotated), *refused, *_empty_folders(folder, everything)]
    return _without_single_class(rows), findings


def _coco(folder: str) -> tuple[dict[str, Row], list[Finding]]:
    """Return the rows of the COCO files by the path of the image, and what is wrong with the files."""
    rows: dict[str, Row] = {}
    findings = []
    for file in sorted([*Path(folder).glob("*.json"), *Path(folder).glob("*/*.json")]):
        try:
            if is_coco(read_json(file)):
                rows |= {row.source: row for row in rows_of(from_coco(file))}
        except (ValueError, OSError) as error:
            findings.append(Finding("annotations", "error", (str(file),), str(error)))
    return rows, findings


def _annotate(row: Row, annotation: Row | None, patient: Patient) -> Row:
    if annotation is None:
        return row
    person = annotation.patient if patient is None and annotation.patient else row.patient
    return replace(row, image=annotation.image, label=annotation.label, grid=annotation.grid, patient=person)


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
    """Return rows without labels if all have the same: a single folder such as `images` or `volumes` is not a class."""
    return [replace(row, label="") for row in rows] if len({row.label for row in rows}) == 1 else rows
