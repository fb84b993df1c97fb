"""A COCO file to Samples, checked once when it is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import missing_files
from medzoo.data.sources.coco_annotations import CocoTarget, objects_by_image
from medzoo.errors import unknown_name
from medzoo.files import read_json

_BACKGROUND = "background"
_KEYS = ("images", "annotations", "categories")

Labels = str | Mapping[str, Sequence[str]] | None


def _label_table(
    categories: Mapping[Any, dict[str, Any]], annotations: Iterable[Any], labels: Labels, path: Path
) -> tuple[tuple[str, ...], dict[Any, int]]:
    """Return the label names, and the label index by category id.

    Args:
        categories: The categories of the file by id.
        annotations: The annotations, which say which categories must have a label.
        labels: As in `from_coco`.
        path: The file, for messages.

    Raises:
        ValueError: A category with annotations has no label or two, `labels` names an unknown category, or there are
            too many labels.
        TypeError: A label maps to a string instead of a list of categories.
    """
    category_names = {key: str(categories[key]["name"]) for key in sorted(categories)}
    groups = _groups(list(category_names.values()), labels)
    names = (_BACKGROUND, *(label for label in groups if label != _BACKGROUND))
    if not 2 <= len(names) <= 256:
        raise ValueError(f"{path}: expected 1 to 255 labels beside the background; got {len(names) - 1}.")
    index = {name: names.index(label) for label, members in groups.items() for name in members}
    used = {annotation.get("category_id") for annotation in annotations if isinstance(annotation, dict)}
    left_out = [name for key, name in category_names.items() if key in used and name not in index]
    if left_out:
        raise ValueError(
            f"{path}: `labels` leaves out the categories {', '.join(left_out)}, which have annotations. Add them to a "
            f"label, or to '{_BACKGROUND}' to ignore them."
        )
    return names, {key: index[name] for key, name in category_names.items() if name in index}


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
    patient: Callable[[str], str] | None = None,
) -> Samples:
    """Read a COCO file of polygons and run lengths as Samples.

    Masks are drawn when they are asked for: objects from the largest to the smallest area, so that a small one inside a
    large one stays visible; of two with the same area the later annotation is on top. Crowds count as their category.
    An image without annotations has an empty mask.

    Args:
        path: The COCO JSON.
        images: Folder of the pictures; the folder of `path` by default.
        labels: None: every category is a label, in the order of their ids. A name: all categories are this one label.
            A mapping of label to category names: these labels, in this order. A category or label named "background"
            is label 0: its annotations are checked but not drawn.
        patient: Returns the patient for a file name; by default each image is its own patient.

    Returns:
        One row per image, in the order of the file, with splits "".

    Raises:
        FileNotFoundError: Pictures are missing; the message counts them and names the first three.
        ValueError: The file is not COCO, or an image, category or annotation is wrong; the message names it.

    Example:
        >>> data = medzoo.data.from_coco("train/_annotations.coco.json", labels="tumor")
        >>> data.labels
        ('background', 'tumor')

    Source: https://cocodataset.org/#format-data
    """
    path = Path(path)
    coco = _load(path)
    categories = _by_id(coco["categories"], "category", ("name",), path)
    pictures = _by_id(coco["images"], "image", ("file_name", "height", "width"), path)
    _check_pictures(pictures, path)
    names, label_of = _label_table(categories, coco["annotations"], labels, path)
    folder = path.parent if images is None else Path(images)
    files = [picture["file_name"] for picture in pictures.values()]
    _check_files(folder, files, path)
    objects = objects_by_image(coco["annotations"], pictures, label_of, path)
    paths = tuple(str(folder / file) for file in files)
    return Samples(
        images=paths,
        targets=tuple(CocoTarget(p["height"], p["width"], objects[key]) for key, p in pictures.items()),
        patients=paths if patient is None else tuple(_patient(patient, file) for file in files),
        splits=("",) * len(files),
        labels=names,
    )


def is_coco(value: Any) -> bool:
    """Return whether `value`, read from a JSON file, has the keys of a COCO file."""
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in _KEYS)


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"There is no COCO file '{path}'. Give the path of the JSON file of the annotations.")
    coco = read_json(path)
    if not is_coco(coco):
        content = f"the keys {', '.join(map(str, coco))}" if isinstance(coco, dict) else type(coco).__name__
        raise ValueError(f"{path} is not a COCO file: expected lists {', '.join(_KEYS)}; got {content[:200]}.")
    if not coco["images"]:
        raise ValueError(f"{path} lists no images. Export the data set again with its images.")
    return coco


def _by_id(entries: list[Any], kind: str, keys: tuple[str, ...], path: Path) -> dict[Any, dict[str, Any]]:
    """Return the entries by their id."""
    table: dict[Any, dict[str, Any]] = {}
    for entry in entries:
        missing = [key for key in ("id", *keys) if not isinstance(entry, dict) or entry.get(key) is None]
        if missing:
            raise ValueError(f"{path}: {kind} {str(entry)[:80]} has no {', '.join(missing)}. Export the file again.")
        if entry["id"] in table:
            raise ValueError(f"{path}: {kind} id {entry['id']} is used twice. Give every {kind} its own id.")
        table[entry["id"]] = entry
    return table


def _check_pictures(pictures: Mapping[Any, dict[str, Any]], path: Path) -> None:
    seen: dict[str, Any] = {}
    for key, picture in pictures.items():
        file, size = picture["file_name"], (picture["height"], picture["width"])
        if not isinstance(file, str) or not file:
            raise ValueError(f"{path}: image id {key} has the file name {file!r}; expected text.")
        if not all(isinstance(side, int) and side > 0 for side in size):
            raise ValueError(f"{path}: image '{file}' (id {key}) has the size {size}; expected whole numbers > 0.")
        if file in seen:
            raise ValueError(f"{path}: images {seen[file]} and {key} both have the file name '{file}'. Remove one.")
        seen[file] = key


def _check_files(folder: Path, files: Sequence[str], path: Path) -> None:
    missing = missing_files(folder, files)
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the {len(files)} images in {path} are not in '{folder}': {', '.join(missing[:3])}"
            f"{', ...' if len(missing) > 3 else ''}. Give their folder: from_coco(path, images=FOLDER)."
        )


def _patient(patient: Callable[[str], str], file: str) -> str:
    name = patient(file)
    if name is None or name == "":
        raise ValueError(f"`patient` must return a name for every file; got {name!r} for '{file}'.")
    return str(name)
