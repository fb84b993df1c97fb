"""A COCO file to Samples, checked once when it is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import Patient
from medzoo.data.sources.coco_annotations import CocoTarget, objects_by_image
from medzoo.data.sources.coco_entries import (
    Faults,
    Id,
    by_id,
    id_of,
    id_order,
    load,
    picture_files,
    picture_patients,
    pictures_by_id,
)
from medzoo.data.sources.names import warn_of_lookalikes
from medzoo.data.sources.patients import patients_of
from medzoo.errors import unknown_name

_BACKGROUND = "background"

Labels = str | Mapping[str, Sequence[str]] | None


def _label_table(
    categories: Mapping[Id, dict[str, Any]], used: set[Id], groupings: set[str], labels: Labels, path: Path
) -> tuple[tuple[str, ...], dict[Id, int]]:
    """Return the label names, and the label index by category id.

    Args:
        categories: The categories of the file by id.
        used: The ids of the categories with annotations, which must have a label.
        groupings: Names that are no labels, unless `labels` names them; see `_groupings`.
        labels: As in `from_coco`.
        path: The file, for messages.

    Raises:
        ValueError: A category with annotations has no label or two, `labels` names an unknown category, or there are
            too many labels.
        TypeError: A label maps to a string instead of a list of categories.
    """
    category_names = {key: str(categories[key]["name"]) for key in sorted(categories, key=id_order)}
    named = [name for name in category_names.values() if labels is not None or name not in groupings]
    if labels is None:
        warn_of_lookalikes("categories", dict.fromkeys(named), path, "Join them with `labels`.")
    groups = _groups(named, labels)
    names = (_BACKGROUND, *(label for label in groups if label != _BACKGROUND))
    if not 2 <= len(names) <= 256:
        raise ValueError(f"{path}: expected 1 to 255 labels beside the background; got {len(names) - 1}.")
    index = {name: names.index(label) for label, members in groups.items() for name in members}
    left_out = [name for key, name in category_names.items() if key in used and name not in index]
    if left_out:
        raise ValueError(
            f"{path}: `labels` leaves out the categories {', '.join(left_out)}, which have annotations. Add them to a "
            f"label, or to '{_BACKGROUND}' to ignore them."
        )
    return names, {key: index[name] for key, name in category_names.items() if name in index}


def _groupings(files: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the names of categories that only group others: the supercategory of another, annotated in no file."""
    entries = [entry for coco in files for entry in coco["categories"] if isinstance(entry, dict)]
    above = {str(entry.get("supercategory")) for entry in entries if entry.get("supercategory") != entry.get("name")}
    annotated: set[str] = set()
    for coco in files:
        used = _used(coco["annotations"])
        ids = [(id_of(entry.get("id")), entry) for entry in coco["categories"] if isinstance(entry, dict)]
        annotated |= {str(entry.get("name")) for key, entry in ids if key in used}
    return above - annotated


def _used(annotations: Iterable[Any]) -> set[Id]:
    ids = [id_of(annotation.get("category_id")) for annotation in annotations if isinstance(annotation, dict)]
    return {key for key in ids if key is not None}


def _groups(categories: Sequence[str], labels: Labels) -> dict[str, list[str]]:
    """Return the category names by label."""
    if labels is None:
        return {name: [name] for name in categories}
    if isinstance(labels, str):
        return {labels: list(categories)}
    groups: dict[str, list[str]] = {}
    taken: dict[str, str] = {}
    for label, members in labels.items():
        if isinstance(members, str):
            raise TypeError(f"`labels` must map a label to a list of categories; got {label!r}: {members!r}.")
        for name in members:
            if name not in categories:
                raise unknown_name("category", name, set(categories))
            if taken.setdefault(name, label) != label:
                raise ValueError(f"`labels` puts the category '{name}' into both '{taken[name]}' and '{label}'.")
        groups[label] = list(members)
    return groups


def from_coco(
    path: str | os.PathLike,
    images: str | os.PathLike | None = None,
    labels: Labels = None,
    patient: Patient = None,
    allow_outside: bool = False,
) -> Samples:
    """Read a COCO file of polygons and run lengths as Samples.

    Masks are drawn when they are asked for: objects from the largest to the smallest area, so that a small one inside a
    large one stays visible; of two with the same area the later annotation is on top. Crowds count as their category.
    An image without annotations has an empty mask.

    Args:
        path: The COCO JSON.
        images: Folder of the pictures; the folder of `path` by default.
        labels: None: every category is a label, in the order of their ids, but not one that only groups others (the
            `supercategory` of another, without annotations). A name: all categories are this one label.
            A mapping of label to category names: these labels, in this order. A category or label named "background"
            is label 0: its annotations are checked but not drawn.
        patient: Returns the patient for a file name; or a regular expression, as in `from_folders`; or the name of a
            field of the images. By default the field that looks like it (`patient`, `patient_id`, `PatientID`, ...);
            where there is none, a table beside the file, or beside the folder of its split, as in `from_folders`. Else,
            and for "", each image is its own patient.
        allow_outside: Whether file names may leave the folder of the pictures, by "../" or a full path.

    Returns:
        One row per image, in the order of the file, with splits "".

    Raises:
        FileNotFoundError: Pictures are missing; the message counts them and names the first three.
        ValueError: The file is not COCO, or images, categories or annotations are wrong; the message names the first
            ten.

    Example:
        >>> data = medzoo.data.from_coco("train/_annotations.coco.json", labels="tumor")
        >>> data.labels
        ('background', 'tumor')

    Source: https://cocodataset.org/#format-data
    """
    return from_coco_files([Path(path)], images, labels, patient, allow_outside)[0]


def from_coco_files(
    paths: Sequence[Path],
    images: str | os.PathLike | None = None,
    labels: Labels = None,
    patient: Patient = None,
    allow_outside: bool = False,
    splits: Sequence[str] = ("",),
) -> list[Samples]:
    """Read the COCO files of one data set, such as those of its splits; arguments and errors as in `from_coco`."""
    files = [load(path) for path in paths]
    groupings = _groupings(files)
    pairs = zip(paths, files, strict=True)
    parts = [_samples(path, coco, groupings, images, labels, patient, allow_outside) for path, coco in pairs]
    return _with_patients(parts, patient, os.path.commonpath([path.absolute().parent for path in paths]), splits)


class _Part(NamedTuple):
    """The rows of a file, and the names of those whose patient no field names."""

    samples: Samples
    nameless: Sequence[str]


def _with_patients(parts: Sequence[_Part], patient: Patient, folder: str, splits: Sequence[str]) -> list[Samples]:
    """Return the rows of all files, with the patients that no field names, but `patient` or a table in `folder`."""
    rows = [
        (image, name, split)
        for part, split in zip(parts, splits, strict=True)
        for image, name in zip(part.samples.images, part.nameless, strict=False)
    ]
    images, names, published = map(list, zip(*rows, strict=True)) if rows else ([], [], [])
    people = iter(patients_of(images, names, patient, folder, published))
    return [
        replace(part.samples, patients=tuple(next(people) for _ in part.nameless)) if part.nameless else part.samples
        for part in parts
    ]


def _samples(
    path: Path,
    coco: Mapping[str, Any],
    groupings: set[str],
    images: str | os.PathLike | None,
    labels: Labels,
    patient: Patient,
    allow_outside: bool,
) -> _Part:
    faults = Faults(path)
    categories = by_id(coco["categories"], "category", ("name",), faults)
    pictures = pictures_by_id(coco["images"], faults)
    used = _used(coco["annotations"])
    # With faults the masks are not drawn, so that any index does.
    unsure = (), dict.fromkeys([*categories, *used], 1)
    names, label_of = unsure if faults.texts else _label_table(categories, used, groupings, labels, path)
    objects = objects_by_image(coco["annotations"], pictures, label_of, faults)
    faults.refuse()
    folder = path.parent if images is None else Path(images)
    files = picture_files(pictures, folder, path, allow_outside)
    places = tuple(str(folder / file) for file in files)
    people = picture_patients(pictures, files, patient, path)
    samples = Samples(
        images=places,
        targets=tuple(CocoTarget(p["height"], p["width"], objects[key]) for key, p in pictures.items()),
        patients=people or places,
        splits=("",) * len(files),
        labels=names,
    )
    return _Part(samples, () if people else files)
