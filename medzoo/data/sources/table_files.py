"""Tables in files: columns of text and numbers by name."""

from __future__ import annotations

import csv
import io
import os
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medzoo.data.sources.checks import refuse
from medzoo.errors import require, unknown_name

_DELIMITERS = (",", ";", "\t")
# Names of the columns that are taken where the user names none.
_USUAL = {
    "image": ("image", "path", "file", "file_name", "filename"),
    "patient": ("patient", "patient_id"),
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
        """Return the column of a kind by its usual names, in upper or lower case; None where there is none."""
        return next((name for word in _USUAL[kind] for name in self.columns if name.lower() == word), None)

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

    def texts(self, column: str) -> tuple[str, ...]:
        """Return the cells as text.

        Raises:
            ValueError: Cells are empty; the message names their rows.
        """
        texts = tuple(map(as_text, self.columns[column]))
        empty = [f"row {row}" for row, text in zip(self.rows, texts, strict=True) if not text]
        refuse(
            empty,
            f"'{self.path}' has {len(empty)} empty cells in the column '{column}'",
            "Fill them, or take the rows out.",
        )
        return texts

    def names(self, column: str) -> tuple[str, ...]:
        """Return the cells as names, such as "1" for 1, 1.0 and "1.0".

        Raises:
            ValueError: Cells are empty.
        """
        return tuple(re.sub(r"^(-?\d+)\.0+$", r"\1", text) for text in self.texts(column))

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


def names_in(pattern: str) -> list[str]:
    """Return the columns that a pattern such as "{patient}_ed.nii.gz" takes, or the name of the one column."""
    return [name for _, name, _, _ in string.Formatter().parse(pattern) if name] if "{" in pattern else [pattern]


def as_text(cell: Any) -> str:
    """Return a cell as text, empty for None and NaN."""
    text = "" if cell is None else str(cell).strip()
    return "" if text.lower() == "nan" else text


def _read_csv(path: Path) -> tuple[dict[str, tuple[Any, ...]], tuple[int, ...]]:
    try:
        # With "utf-8-sig" the mark that Excel writes at the start does not become part of the first name.
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"'{path}' is not UTF-8: {error}. Save it as 'CSV UTF-8'.") from error
    head = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count))
    filled = [(number, line) for number, line in enumerate(lines, 1) if any(map(str.strip, line))]
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
