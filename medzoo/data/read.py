"""A path to Samples, whatever lies there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

from medzoo.data.coco import from_coco, is_coco
from medzoo.data.coco_labels import Labels
from medzoo.data.samples import Samples

_ROBOFLOW = "_annotations.coco.json"
_FOLDERS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}
_ACCEPTED = (
    f"Expected a COCO JSON, a folder with {_ROBOFLOW} or one other COCO JSON, or a folder with such folders "
    f"named {', '.join(_FOLDERS)}."
)


def read(source: str | os.PathLike, labels: Labels = None, patient: Callable[[str], str] | None = None) -> Samples:
    """Read a data set from a file or a folder.

    Args:
        source: A COCO JSON; a folder that holds one; or a folder with train, valid (val, validation) and test folders
            that each hold one, whose names become the splits.
        labels: Which categories make which label, as in `from_coco`.
        patient: Returns the patient for a file name, as in `from_coco`.

    Returns:
        All rows; `.part("train")` takes those of one folder.

    Raises:
        FileNotFoundError: There is no such path, or nothing in it that can be read; the message lists what can.
        ValueError: The labels of the folders differ, or a patient is in two of them.

    Example:
        >>> data = medzoo.data.read("brain_tumor_coco", labels="tumor")
        >>> train, valid = data.part("train"), data.part("valid")
    """
    source = Path(source)
    if not source.exists():
        raise FileNotFoundError(f"There is no '{source}'. {_ACCEPTED}")
    if source.is_file():
        return from_coco(source, labels=labels, patient=patient)
    file = _coco_file(source)
    if file is not None:
        return from_coco(file, labels=labels, patient=patient)
    parts = {
        folder: from_coco(file, labels=labels, patient=patient)
        for folder in _FOLDERS
        if (source / folder).is_dir() and (file := _coco_file(source / folder)) is not None
    }
    if not parts:
        raise FileNotFoundError(f"'{source}' holds no data set. {_ACCEPTED}")
    return _join(source, parts)


def _coco_file(folder: Path) -> Path | None:
    """Return the COCO file of a folder, if it has one."""
    if (folder / _ROBOFLOW).is_file():
        return folder / _ROBOFLOW
    found = [file for file in sorted(folder.glob("*.json")) if _holds_coco(file)]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise ValueError(f"'{folder}' holds {len(found)} COCO files: {names}. Give the path of one of them.")
    return found[0] if found else None


def _holds_coco(file: Path) -> bool:
    try:
        return is_coco(json.loads(file.read_bytes()))
    except ValueError:
        return False


def _join(source: Path, parts: dict[str, Samples]) -> Samples:
    """Return the rows of all parts with their splits; Samples refuses a patient in two splits."""
    first = next(iter(parts))
    for folder, part in parts.items():
        if part.labels != parts[first].labels:
            raise ValueError(
                f"The labels in '{source}' differ: {first} has {', '.join(parts[first].labels)}, {folder} has "
                f"{', '.join(part.labels)}. Give the same categories, or map them with `labels`."
            )
    return reduce(add, (replace(part, splits=(_FOLDERS[name],) * len(part)) for name, part in parts.items()))
