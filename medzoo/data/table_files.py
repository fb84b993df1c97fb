"""Tables in files: columns of text and numbers by name."""

from __future__ import annotations

import csv
import io
import os
import re
import string
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from medzoo.data.sources.checks import outside_files, plain_file, refuse
from medzoo.data.sources.names import MISSING_TEXT, as_text, class_name, guess_patients, patient_columns
from medzoo.errors import require, unknown_name
from medzoo.io.find import is_junk
from medzoo.io.formats import by_suffix

_DELIMITERS = (",", ";", "\t")
# Names of the columns that are taken where the user names none.
_USUAL = {
    "image": (*("image", "path", "file", "filename"), *("imagefile", "imagename", "imagepath", "filepath")),
    "patient": ("patient", "patientid"),
    **{kind: (kind,) for kind in ("label", "target", "mask", "split", "slice")},
}
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Args:
        path: The file, for messages.
        columns: The cells of each column by its name.
        rows: Number of each row in the file, for messages; the names of the columns are row 1.
    """

    path: str
    columns: dict[str, tuple[Any, ...]]
    rows: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Sequence[int]) -> Table:
        """Return some of the rows."""
        columns = {name: tuple(cells[row] for row in rows) for name, cells in self.columns.items()}
        return replace(self, columns=columns, rows=tuple(self.rows[row] for row in rows))

    def usual(self, kind: str) -> str | None:
        """Return the column of a kind by its usual names in any case, also "File name"; None where there is none."""
        plain = {name: re.sub(r"[\W_]+", "", name.lower()) for name in self.columns}
        return next((name for word in _USUAL[kind] for name in plain if plain[name] == word), None)

    def column(self, kind: str, name: str | None) -> str:
        """Return a column that must be there: the one of that `name`, or else the usual one of its kind.

        Raises:
            ValueError: There is no such column.
        """
        if name is not None and name not in self.columns:
            raise unknown_name("column", name, self.columns, f"These are in '{self.path}'.")
        column = self.usual(kind) if name is None else name
        if column is None:
            raise ValueError(
                f"'{self.path}' has no column {' or '.join(_USUAL[kind])}, only {', '.join(self.columns)}. "
                f"Name its column of the {kind}: {kind}=..."
            )
        return column

    def column_if_any(self, kind: str, name: str | None) -> str | None:
        """Return the column of that `name`, which must be there, or else the usual one of its kind, if there is one.

        Raises:
            ValueError: There is no column of that name.
        """
        return self.usual(kind) if name is None else self.column(kind, name)

    def patients(self, name: str | None, others: Iterable[str | None]) -> str | None:
        """Return the column of the patients: the one of that `name`, or the one that looks like it; None for none.

        Args:
            name: What the user named; "" for no column.
            others: The columns that mean something else.

        Raises:
            ValueError: There is no column of that name.
        """
        if name is not None:
            return self.column("patient", name) if name else None
        columns = {column: cells for column, cells in self.columns.items() if column not in set(others)}
        remedy = "Name the column of the patient, patient=NAME, or say that there is none: patient=''."
        return guess_patients(columns, self.path, remedy)

    def texts(self, column: str, keep: Container[str] = ()) -> tuple[str, ...]:
        """Return the cells as text, those in `keep` even where they are words for a missing value.

        Raises:
            ValueError: Cells are empty; the message names their rows.
        """
        texts = tuple(str(cell) if str(cell) in keep else as_text(cell) for cell in self.columns[column])
        empty = [f"row {row}" for row, text in zip(self.rows, texts, strict=True) if not text]
        refuse(
            empty,
            f"'{self.path}' has {len(empty)} empty cells in the column '{column}'",
            f"Fill them, or take the rows out; {MISSING_TEXT}, unless `labels` names them as classes.",
        )
        return texts

    def names(self, column: str, keep: Container[str] = ()) -> tuple[str, ...]:
        """Return the cells as names, such as "1" for 1, 1.0 and "1.0".

        Raises:
            ValueError: Cells are empty.
        """
        return tuple(map(class_name, self.texts(column, keep)))

    def numbers(self, column: str) -> tuple[float, ...]:
        """Return the cells as numbers, NaN for empty ones.

        Raises:
            ValueError: Cells hold something else; the message names their rows.
        """
        cells = zip(self.rows, self.columns[column], strict=True)
        numbers, wrong = [], []
        for row, cell in cells:
            try:
                numbers.append(float(as_text(cell) or "nan"))
            except ValueError:
                wrong.append(f"row {row} ({cell!r})")
        refuse(
            wrong,
            f"'{self.path}' has {len(wrong)} cells in the column '{column}' that are no numbers",
            f"Correct them with a decimal point; if they are classes, give label='{column}'.",
        )
        return tuple(numbers)


def is_table(name: str) -> bool:
    """Return whether a file of this name is a table, and not what a system leaves beside one."""
    return name.lower().endswith(TABLE_SUFFIXES) and not is_junk(name)


def read_table(path: str | os.PathLike) -> Table:
    """Read a CSV or Parquet file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read as such a table, or has no rows.
        ImportError: Parquet needs pyarrow.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no table '{path}'. Check the path; the working folder is {Path.cwd()}.")
    columns, rows = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    if not rows:
        raise ValueError(f"'{path}' has no rows. Expected the names of the columns on top, and a row for each image.")
    return Table(str(path), columns, rows)


# Names of columns that often hold what is to be answered.
_ANSWERS = ("diagnosis", "class", "dx", "category", "finding", "grade", "outcome", "pathology", "result", "type", "y")
_MOST_CLASSES = 20


def example(table: Table) -> str:
    """Return how to name the column that most likely holds the answers; "" where none is likely."""
    persons, within = patient_columns(table.columns)
    taken = {*persons, *within, *(table.usual(kind) for kind in ("image", "split", "slice"))}
    columns = {name: set(map(as_text, cells)) - {""} for name, cells in table.columns.items() if name not in taken}
    # Paths and constants are no answers, nor are names that differ in all rows.
    rows = len(table)
    able = {
        name: values
        for name, values in columns.items()
        if len(values) > 1 and (len(values) < rows or _are_numbers(values)) and not any(map(_is_file, values))
    }
    one_hot = [name for name, values in able.items() if {class_name(value) for value in values} <= {"0", "1"}]
    if len(one_hot) > 1 and len(one_hot) == len(able):
        return f". {', '.join(one_hot[:3])} look like one column for each class: write the class of a row in one column"
    likely = sorted(able, key=lambda name: (name.lower() not in _ANSWERS, _is_measured(able[name])))
    kind = "target" if likely and _is_measured(able[likely[0]]) else "label"
    return f", for example {kind}='{likely[0]}'" if likely else ""


def _is_measured(values: set[str]) -> bool:
    return _are_numbers(values) and (len(values) > _MOST_CLASSES or any("." in class_name(value) for value in values))


def _are_numbers(values: Iterable[str]) -> bool:
    return all(re.fullmatch(r"[+-]?\d*\.?\d+(e[+-]?\d+)?", value, re.IGNORECASE) for value in values)


def _is_file(value: str) -> bool:
    return by_suffix(value) is not None


def names_in(pattern: str) -> list[str]:
    """Return the columns that a pattern such as "{patient}_ed.nii.gz" takes, or the name of the one column."""
    return [name for _, name, _, _ in string.Formatter().parse(pattern) if name] if "{" in pattern else [pattern]


class Place(NamedTuple):
    """The folder where the paths of a table begin, and whether they may leave it."""

    folder: str
    allow_outside: bool


def paths_in(table: Table, column: str, place: Place) -> list[str]:
    """Return the paths that a column holds, or that a pattern of columns makes."""
    files = [_file(name, place.folder) for name in _file_names(table, column)]
    if not place.allow_outside:
        outside_files(place.folder, files, f"'{table.path}'", "folder")
    return [os.path.join(place.folder, file) for file in files]


def _file(name: str, folder: str) -> str:
    return name if "\\" in name and os.path.exists(os.path.join(folder, name)) else plain_file(name)


def _file_names(table: Table, column: str) -> list[str]:
    if "{" not in column:
        return list(table.texts(table.column("image", column)))
    parts = names_in(column)
    cells = zip(*(table.texts(table.column("image", name)) for name in parts), strict=True)
    return [column.format(**dict(zip(parts, row, strict=True))) for row in cells]


def _read_csv(path: Path) -> tuple[dict[str, tuple[Any, ...]], tuple[int, ...]]:
    try:
        # With "utf-8-sig" the mark that Excel writes at the start does not become part of the first name.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is not UTF-8: {error}. Save it as 'CSV UTF-8'.") from error
    head, _, rest = text.partition("\n")
    # Excel writes and hides a first line that says what stands between the cells.
    excel = re.fullmatch(r'"?sep=(.)"?[,;\t]*\r?', head, re.IGNORECASE)
    head = rest.partition("\n")[0] if excel else head
    delimiter = excel[1] if excel else max(_DELIMITERS, key=head.count)
    lines = csv.reader(io.StringIO(rest if excel else text, newline=""), delimiter=delimiter)
    first = 2 if excel else 1
    filled = [(number, line) for number, line in enumerate(lines, first) if any(map(str.strip, line))]
    numbers, cells = zip(*filled, strict=True) if filled else ((), ([],))
    names = [name.strip() for name in cells[0]]
    if len(set(names)) < len(names):
        raise ValueError(f"'{path}' has two columns of one name: {', '.join(names)}. Rename one.")
    odd = [f"row {number} ({len(line)})" for number, line in filled if len(line) != len(names)]
    refuse(odd, f"'{path}' has {len(names)} columns, but other counts of cells in {len(odd)} rows", "Correct them.")
    return dict(zip(names, zip(*cells[1:], strict=True), strict=False)), numbers[1:]


def _read_parquet(path: Path) -> tuple[dict[str, tuple[Any, ...]], tuple[int, ...]]:
    parquet = require("pyarrow.parquet", "parquet")
    try:
        table = parquet.read_table(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}' cannot be read as Parquet: {error}. Write the file again.") from error
    columns = {name: tuple(cells) for name, cells in table.to_pydict().items()}
    return columns, tuple(range(2, table.num_rows + 2))
