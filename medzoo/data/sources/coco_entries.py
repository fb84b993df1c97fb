"""The images and categories that a COCO file lists: its ids, names and sizes, checked; all faults are told at once."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medzoo.data.sources.checks import Patient, missing_files, named_patients, outside_files, plain_file
from medzoo.data.sources.names import guess_patients
from medzoo.files import read_json

_KEYS = ("images", "annotations", "categories")
_MOST_FAULTS = 10
# Fields of an image that COCO itself defines.
_STANDARD = ("id", "file_name", "height", "width", "license", "date_captured", "flickr_url", "coco_url")

Id = int | str


class Faults:
    """What is wrong with a file, so that one message can list it."""

    def __init__(self, path: Path):
        self.path, self.texts = path, list[str]()

    def add(self, text: str) -> None:
        """Keep a fault."""
        self.texts.append(text)

    def refuse(self) -> None:
        """Raise an error with the first ten faults and their count, if there are any."""
        if not self.texts:
            return
        if len(self.texts) == 1:
            raise ValueError(f"{self.path}: {self.texts[0]}")
        more = len(self.texts) - _MOST_FAULTS
        shown = [*self.texts[:_MOST_FAULTS], *([f"and {more} more"] if more > 0 else [])]
        raise ValueError("\n- ".join([f"{self.path} has {len(self.texts)} faults:", *shown]))


# What fractions of an image may be, with a little beyond its border.
_FRACTION = (-0.05, 1.05)


class Scale:
    """Finds polygons in fractions of the image, of which a mask would have one pixel."""

    def __init__(self, faults: Faults):
        self.faults, self.fractions, self.has_pixels = faults, list[tuple[str, bool]](), False

    def add(self, polygons: Sequence[Sequence[float]], image: dict[str, Any], place: str) -> None:
        """Look at an object."""
        if not polygons or max(image["height"], image["width"]) <= 2:
            return
        values = [value for polygon in polygons for value in polygon]
        if all(_FRACTION[0] <= value <= _FRACTION[1] for value in values):
            self.fractions.append((place, all(value.is_integer() for value in values)))
        else:
            self.has_pixels = True

    def check(self) -> None:
        """Refuse a file in fractions; warn of fractions among pixels, which may be objects in the first pixel."""
        if self.fractions and not self.has_pixels:
            self.faults.add(
                f"{self.fractions[0][0]}: its coordinates run from 0 to 1, as all in this file ({len(self.fractions)} "
                "annotations); expected pixels. Multiply x by the width and y by the height of the image."
            )
        odd = [place for place, is_whole in self.fractions if not is_whole]
        if odd and self.has_pixels:
            warnings.warn(
                f"{self.faults.path}: {len(odd)} annotations run from 0 to 1, the others are in pixels, so these cover "
                f"one pixel at most, the first is {odd[0]}. Multiply x by the width and y by the height if they are "
                "fractions.",
                stacklevel=2,
            )


def is_coco(value: Any) -> bool:
    """Return whether `value`, read from a JSON file, has the keys of a COCO file."""
    return isinstance(value, dict) and all(isinstance(value.get(key), list) for key in _KEYS)


def load(path: Path) -> dict[str, Any]:
    """Read a COCO file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not COCO, or lists no images.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no COCO file '{path}'. Give the path of the JSON file of the annotations.")
    coco = read_json(path)
    if not is_coco(coco):
        content = f"the keys {', '.join(map(str, coco))}" if isinstance(coco, dict) else type(coco).__name__
        raise ValueError(f"{path} is not a COCO file: expected lists {', '.join(_KEYS)}; got {content[:200]}.")
    if not coco["images"]:
        raise ValueError(f"{path} lists no images. Export the data set again with its images.")
    return coco


def id_of(value: Any) -> Id | None:
    """Return an id as a whole number or text, 1 for 1.0 and "1"; None for what is none, such as a list."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    if isinstance(value, float) and not value.is_integer():
        return None
    is_number = text.removeprefix("-").isascii() and text.removeprefix("-").isdecimal() and str(int(text)) == text
    return int(text) if is_number else text or None


def id_order(key: Id) -> tuple[bool, Id]:
    """Return the key to sort ids by: numbers before texts."""
    return isinstance(key, str), key


def by_id(entries: list[Any], kind: str, keys: tuple[str, ...], faults: Faults) -> dict[Id, dict[str, Any]]:
    """Return the entries by their id; those with a fault are left out, which the faults say."""
    table: dict[Id, dict[str, Any]] = {}
    for entry in entries:
        missing = [key for key in ("id", *keys) if not isinstance(entry, dict) or entry.get(key) is None]
        key = None if missing else id_of(entry["id"])
        if missing:
            faults.add(f"{kind} {str(entry)[:80]} has no {', '.join(missing)}. Export the file again.")
        elif key is None:
            faults.add(f"{kind} id {str(entry['id'])[:60]} must be a whole number or text. Correct it.")
        elif key in table:
            faults.add(f"{kind} id {key} is used twice. Give every {kind} its own id.")
        else:
            table[key] = entry
    return table


def pictures_by_id(entries: list[Any], faults: Faults) -> dict[Id, dict[str, Any]]:
    """Return the images by their id with file name, height and width; those with a fault are left out."""
    pictures: dict[Id, dict[str, Any]] = {}
    seen: dict[str, Id] = {}
    for key, entry in by_id(entries, "image", ("file_name", "height", "width"), faults).items():
        file, size = entry["file_name"], (entry["height"], entry["width"])
        sides = [_side(value) for value in size]
        if not isinstance(file, str) or not file.strip():
            faults.add(f"image id {key} has the file name {file!r}; expected text.")
            continue
        if not all(sides):
            faults.add(f"image '{file}' (id {key}) has the size {size}; expected whole numbers > 0.")
            continue
        first = seen.setdefault(plain_file(file), key)
        if first != key:
            faults.add(f"images {first} and {key} both have the file name '{plain_file(file)}'. Remove one.")
        pictures[key] = {**entry, "height": sides[0], "width": sides[1]}
    return pictures


def _side(value: Any) -> int:
    """Return a height or width, also where it is written as text; 0 for what is none."""
    key = id_of(value)
    return key if isinstance(key, int) and key > 0 else 0


def picture_files(pictures: Mapping[Id, dict[str, Any]], folder: Path, path: Path, allow_outside: bool) -> list[str]:
    """Return the files of the images below `folder`, with "/" and without "./".

    Raises:
        FileNotFoundError: Pictures are missing; the message counts them and names the first three.
        ValueError: A file lies outside the folder.
    """
    listed = [picture["file_name"] for picture in pictures.values()]
    files = [file if "\\" in file and (folder / file).exists() else plain_file(file) for file in listed]
    if not allow_outside:
        outside_files(folder, files, path, "images")
    missing = missing_files(folder, files)
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of the {len(files)} images in {path} are not in '{folder}': {', '.join(missing[:3])}"
            f"{', ...' if len(missing) > 3 else ''}. Give their folder: images=FOLDER."
        )
    return files


def picture_patients(
    pictures: Mapping[Id, dict[str, Any]], files: Sequence[str], patient: Patient, path: Path
) -> tuple[str, ...] | None:
    """Return the patient of each image as a field such as `patient_id` of the images says it; None without a field."""
    entries = pictures.values()
    fields = dict.fromkeys(field for entry in entries for field in entry if field not in _STANDARD)
    columns = {field: [entry.get(field) for entry in entries] for field in fields}
    columns = {field: cells for field, cells in columns.items() if not any(isinstance(c, dict | list) for c in cells)}
    field = patient if isinstance(patient, str) and patient in columns else None
    if patient is None:
        remedy = "Name the field, patient=NAME, or give a pattern of the file name; patient='' for none."
        field = guess_patients(columns, path, remedy)
    if field is None:
        return None
    rows = [f"image '{file}'" for file in files]
    return named_patients(columns[field], rows, f"The field '{field}' of the images in {path}")
