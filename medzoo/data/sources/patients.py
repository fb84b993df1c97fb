"""Who the patient of each image is: an option, a table beside the data, or the header of a DICOM file says it."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medzoo.data.sources.checks import SPLIT_NAMES, Patient, logger, named_patients, plain_file, refuse
from medzoo.data.sources.names import (
    as_text,
    guess_patients,
    header_id,
    header_patients,
    patient_columns,
    patient_name,
)
from medzoo.data.splits import unless_separated
from medzoo.data.table_files import Table, is_table, read_table
from medzoo.io import as_image
from medzoo.io.find import walk
from medzoo.io.formats import stem_of


def patients_of(
    images: Sequence[Any],
    names: Sequence[str],
    patient: Patient,
    folder: str | os.PathLike | None = None,
    parts: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the patient of each image by the rule of `patient_name`; its source where nothing names one.

    What comes first counts: `patient`; a table in `folder`, as in `listed_patients`; the headers of DICOM files, as in
    `header_patients`. Where the table or the headers separate patients into several published parts, the parts stay,
    with a warning, and nobody is named.

    Args:
        images: What `medzoo.read_scan` takes.
        names: File names.
        patient: A function of the file name; a regular expression: its match in the file name is the patient, or its
            first group if it has one; a column of the table; "" for nobody.
        folder: The folder of the data set.
        parts: The part that each image was published in, "" for none.

    Raises:
        ValueError: There is no patient for a file, or the table contradicts itself; the message names the file.
    """
    named = stated_patients(images, names, patient, folder)
    if named is None:
        named = [""] * len(images) if patient == "" else header_patients(list(map(header_id, images)))
    if parts and patient is None:
        named = unless_separated(named, parts, folder)
    return tuple(name or as_image(image).source for name, image in zip(named, images, strict=True))


def stated_patients(
    images: Sequence[Any], names: Sequence[str], patient: Patient, folder: str | os.PathLike | None
) -> list[str] | None:
    """Return what an option or a table says, "" for an image that the table leaves out; None without either."""
    if patient == "":
        return None
    if folder is not None and (patient is None or isinstance(patient, str)):
        tables = _tables(os.fspath(folder), patient)
        if tables:
            return listed_patients(images, tables)
    if patient is None:
        return None
    found = [_search(patient, name) if isinstance(patient, str) else patient(name) for name in names]
    people = list(map(patient_name, found))
    nameless = [f"'{name}'" for name, person in zip(names, people, strict=True) if not person]
    refuse(nameless, f"`patient` finds no patient in {len(nameless)} file names", f"Received: {patient!r}.")
    return people


def _search(pattern: str, name: str) -> Any:
    match = re.search(pattern, name)
    return match and match[1 if match.re.groups else 0]


class PatientTable(NamedTuple):
    """A table of files and patients, and its columns of both."""

    table: Table
    file: str
    patient: str


# The name that wins where several tables of a folder name patients.
_NAMED = ("patient", "patients")
# Patients that belong together; where a table has such a column, its makers made it to split by.
_GROUPS = ("group", "groups", "group_id")


def _tables(folder: str, patient: str | None) -> list[PatientTable]:
    """Return the tables of patients in a folder; else those in its folders of splits, or beside a folder of a split."""
    place = Path(os.path.abspath(folder))
    parts = [part for part in sorted(place.iterdir()) if part.name.lower() in SPLIT_NAMES] if place.is_dir() else []
    above = [place.parent] if place.name.lower() in SPLIT_NAMES else []
    for places in ([place], parts, above):
        if found := [table for one in places if (table := _table_in(one, patient))]:
            return found
    return []


def _table_in(folder: Path, patient: str | None) -> PatientTable | None:
    """Return the table of a folder that has a column of files and one of patients, if there is one.

    Raises:
        ValueError: There are several; or the one that is called patients cannot be read.
    """
    if not folder.is_dir():
        return None
    files = [file for file in sorted(folder.iterdir()) if is_table(file.name)]
    found = [table for file in files if (table := _columns(file, patient))]
    chosen = [table for table in found if Path(table.table.path).stem.lower() in _NAMED] or found
    if len(chosen) > 1:
        names = ", ".join(os.path.basename(table.table.path) for table in chosen)
        raise ValueError(
            f"'{folder}' holds {len(chosen)} tables that name patients: {names}. Call one of them patients.csv; or say "
            "that none counts: patient=''."
        )
    return chosen[0] if chosen else None


def _columns(path: Path, patient: str | None) -> PatientTable | None:
    is_named = path.stem.lower() in _NAMED
    try:
        table = read_table(path)
    except (ValueError, OSError, ImportError) as error:
        if is_named and patient is None:
            raise
        logger.warning("%s is not asked for patients: %s", path, error)
        return None
    file, column = table.usual("image"), patient
    others = (file, *map(table.usual, ("split", "label", "mask", "target", "slice")))
    columns = {name: cells for name, cells in table.columns.items() if name not in others}
    if file is not None and patient is None:
        remedy = "Name the column of the patient, patient=NAME, or say that there is none: patient=''."
        column = guess_patients(columns, path, remedy, _GROUPS)
    if file is not None and column in table.columns:
        return PatientTable(table, file, column)
    if is_named and patient is None:
        raise ValueError(
            f"'{path}' must have a column of files (file, image, filename) and one of patients (patient, patient_id, "
            f"group). Its columns are {', '.join(table.columns)}. Rename them, or say that none counts: patient=''."
        )
    return None


def listed_patients(images: Sequence[Any], tables: Sequence[PatientTable]) -> list[str]:
    """Return the patient that tables name for each image; "" for images that they do not list, which are warned of.

    A file is named by any end of its path: its name, or the path below the folder of the table.

    Raises:
        ValueError: The row of an image names nobody, fits several images, or contradicts another row.
    """
    index = _Index(images)
    named: dict[int, dict[str, None]] = defaultdict(dict)
    for table, file, column in tables:
        rows, absent, unclear = _matches(table, file, index)
        where = f"The column '{column}' of '{table.path}'"
        refuse(
            unclear,
            f"'{table.path}' has {len(unclear)} rows that fit several images",
            "Write the path of each file below the folder of the table.",
        )
        values = [table.columns[column][row] for row, _ in rows]
        people = named_patients(values, [f"row {table.rows[row]}" for row, _ in rows], where) if rows else ()
        nobody = _nobody(table, column)
        for (row, image), person in zip(rows, people, strict=True):
            named[image]["" if row in nobody else person] = None
        _warn_of_absent(table, file, absent)
    several = [
        f"{images[image]} ({' and '.join(name or 'nobody' for name in people)})"
        for image, people in named.items()
        if len(people) > 1
    ]
    paths = " and ".join(f"'{table.path}'" for table, _, _ in tables)
    refuse(several, f"{paths} gives {len(several)} images several patients", "Keep one row for each image.")
    bare = [image for number, image in enumerate(images) if number not in named]
    if bare:
        warnings.warn(
            f"{paths} does not list {len(bare)} of the {len(images)} images, such as {bare[0]}: each of them counts as "
            "its own patient.",
            stacklevel=2,
        )
    return [next(iter(named[number]), "") if number in named else "" for number in range(len(images))]


def _nobody(table: Table, column: str) -> set[int]:
    """Return the rows whose person is empty and that no other row shares its group with."""
    persons = [other for other in patient_columns(table.columns)[0] if other != column]
    if not persons:
        return set()
    groups = [patient_name(cell) for cell in table.columns[column]]
    counts = Counter(groups)
    alone = {row for row, group in enumerate(groups) if counts[group] == 1}
    return {row for row in alone if not any(as_text(table.columns[person][row]) for person in persons)}


class _Index:
    """Images by the names of their files."""

    def __init__(self, images: Sequence[Any]):
        self.paths: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for number, image in enumerate(map(as_image, images)):
            for path in {image.source, *image.paths()}:
                full = Path(os.path.abspath(path)).as_posix()
                for name in {full, stem_of(full)}:
                    self.paths[os.path.basename(name)].append((name, number))

    def find(self, name: str) -> list[tuple[str, int]]:
        """Return path and number of the images whose path ends so."""
        end = f"/{name.lstrip('/')}"
        return [(path, number) for path, number in self.paths.get(os.path.basename(name), []) if path.endswith(end)]


def _matches(table: Table, file: str, index: _Index) -> tuple[list[tuple[int, int]], list[int], list[str]]:
    """Return (row, image) for each row that names one, the rows that name none, and in words those that fit several."""
    rows, absent, unclear = [], [], []
    folder = Path(os.path.abspath(table.path)).parent
    for row, cell in enumerate(table.columns[file]):
        name = plain_file(as_text(cell)) if as_text(cell) else ""
        found = index.find(name) if name else []
        exact = [place for place in found if place[0] == (folder / name).as_posix()]
        found = exact or _in_named_folders(found, folder, [cells[row] for cells in table.columns.values()])
        images = {number for _, number in found}
        if len(images) == 1:
            rows.append((row, images.pop()))
        elif images:
            unclear.append(f"row {table.rows[row]} ({name})")
        else:
            absent.append(row)
    return rows, absent, unclear


def _in_named_folders(found: list[tuple[str, int]], folder: Path, cells: Iterable[Any]) -> list[tuple[str, int]]:
    """Return of several files of one name those whose folders the row names, such as their split or class."""
    if len({number for _, number in found}) < 2:
        return found
    words = {_word(as_text(cell)) for cell in cells}
    folders = {path: Path(os.path.relpath(path, folder)).parent.parts for path, _ in found}
    return [place for place in found if {_word(part) for part in folders[place[0]]} <= words] or found


def _word(text: str) -> str:
    return SPLIT_NAMES.get(text.lower(), text.lower())


def _warn_of_absent(table: Table, file: str, rows: Sequence[int]) -> None:
    """Warn of files that a table lists and that are not there at all; those of other classes or splits are."""
    if not rows:
        return
    folder = os.path.dirname(os.path.abspath(table.path))
    present: dict[str, list[str]] = defaultdict(list)
    for parent, folders, names in walk(folder, lambda path, error: None):
        for path in (Path(parent, name).as_posix() for name in (*folders, *names)):
            for name in {path, stem_of(path)}:
                present[os.path.basename(name)].append(name)
    listed = {row: plain_file(as_text(table.columns[file][row])) for row in rows}
    gone = [
        row
        for row, name in listed.items()
        if not any(path.endswith(f"/{name.lstrip('/')}") for path in present.get(os.path.basename(name), ()))
    ]
    if gone:
        warnings.warn(
            f"'{table.path}' lists {len(gone)} files that are not there, such as '{listed[gone[0]]}' in row "
            f"{table.rows[gone[0]]}: these rows name nobody.",
            stacklevel=3,
        )
