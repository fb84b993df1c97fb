"""What a data set says of its images before any of them is read: split, class, patient, masks.

`medzoo.data.read` refuses a data set that has errors. Here they become findings, so folders are walked by rules that
never fail.
"""

from __future__ import annotations

import os
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.data.audit.record import Finding
from medzoo.data.samples import Samples
from medzoo.data.sources.checks import SPLIT_NAMES, Patient, patients_of
from medzoo.data.sources.masks import as_mask
from medzoo.data.sources.table_files import Table, read_table
from medzoo.io import as_image


@dataclass(frozen=True, eq=False)
class Row:
    """One image of a data set.

    Args:
        image: What `medzoo.read_scan` takes.
        split: "train", "valid", "test", or "".
        label: Name of its class, of a segmentation the labels in its mask, or "".
        patient: Patient, or "" where nobody says.
        masks: Files of its mask, which are read as well.
        grid: Size that its annotation states, ([depth,] height, width); None where there is no such statement.
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


def place_of(source: str, folder: str) -> tuple[str, str]:
    """Return split and class of a file: folders below `folder` named after a split, and the first other one."""
    parts = Path(os.path.relpath(source, folder)).parts[:-1]
    split = next((SPLIT_NAMES[part.lower()] for part in parts if part.lower() in SPLIT_NAMES), "")
    return split, next((part for part in parts if part.lower() not in SPLIT_NAMES), "")


def named_patients(sources: list[str], folder: str, patient: Patient) -> list[str]:
    """Return what `patient` makes of each path below `folder`, "" without a `patient`."""
    if patient is None:
        return [""] * len(sources)
    return list(patients_of([os.path.relpath(source, folder) for source in sources], sources, patient))


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
    columns = {kind: name for kind in _KINDS if (name := table.find(kind, options.get(kind), needed=False))}
    images = options.get("image") or table.find("image", None)
    images = [images] if isinstance(images, str) else images
    for name in [name for column in images for name in _names_in(column)]:
        table.find("image", name)
    folder = options.get("folder") or os.path.dirname(path)
    rows, findings = [], []
    for number, cells in _lines(table):
        values = {kind: cells[column] for kind, column in columns.items()}
        files = [os.path.join(folder, name) for column in images if (name := _file(cells, column))]
        if len(files) < len(images):
            findings.append(Finding("missing file", "error", (path,), f"Row {number} of {path} names no image."))
        masks = [os.path.join(folder, values["mask"])] if values.get("mask") else []
        findings += _faults(f"Row {number} of {path}", [*files, *masks], values)
        found = [name for name in masks if os.path.exists(name)]
        rows += [_row(file, values, tuple(found)) for file in files if os.path.exists(file)]
    return rows, findings


def _lines(table: Table) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and cells of each row, as text."""
    for number, cells in zip(table.rows, zip(*table.columns.values(), strict=True), strict=True):
        yield number, dict(zip(table.columns, map(_text, cells), strict=True))


def _text(cell: object) -> str:
    text = "" if cell is None else str(cell).strip()
    return "" if text.lower() == "nan" else text


def _names_in(column: str) -> list[str]:
    """Return the columns that a pattern such as "{patient}_ed.nii.gz" takes, or the name of the one column."""
    return [name for _, name, _, _ in string.Formatter().parse(column) if name] if "{" in column else [column]


def _file(cells: Mapping[str, str], column: str) -> str:
    """Return the path in a column, or what a pattern makes of the cells."""
    return column.format_map(cells) if "{" in column else cells[column]


def _row(file: str, values: Mapping[str, str], masks: tuple[str, ...]) -> Row:
    split = SPLIT_NAMES.get(values.get("split", "").lower(), "")
    return Row(file, split, values.get("label", ""), values.get("patient", ""), masks)


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
