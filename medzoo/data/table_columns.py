"""The columns of a table that every task has: image, split, slice, patient."""

from __future__ import annotations

import itertools
import math
import os
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from medzoo.data.checks import SPLIT_NAMES, check_files, refuse
from medzoo.data.table_files import Table


def table_images(table: Table, image: str | Sequence[str] | None, folder: str) -> tuple[Table, tuple[str, ...]]:
    """Return the table with one row for each image, and the paths of the images.

    Raises:
        FileNotFoundError: Images are missing.
    """
    if image is None:
        image = table.find("image", None)
    columns = [table_files(table, name, folder) for name in ([image] if isinstance(image, str) else image)]
    paths = tuple(itertools.chain(*zip(*columns, strict=True)))
    check_files("", paths, f"'{table.path}'")
    return table[np.repeat(np.arange(len(table)), len(columns))], paths


def table_files(table: Table, column: str, folder: str) -> list[str]:
    """Return the paths that a column holds, or that a pattern of columns makes."""
    if "{" not in column:
        names = table.texts(table.find("image", column))
    else:
        parts = [name for _, name, _, _ in string.Formatter().parse(column) if name]
        cells = zip(*(table.texts(table.find("image", name)) for name in parts), strict=True)
        names = [column.format(**dict(zip(parts, row, strict=True))) for row in cells]
    return [os.path.join(folder, name) for name in names]


def table_splits(table: Table, column: str | None) -> tuple[str, ...]:
    """Return the split of each row; "" for all where there is no column.

    Raises:
        ValueError: A split has another name than those of SPLIT_NAMES.
    """
    if column is None:
        return ("",) * len(table)
    texts = table.texts(column)
    cells = zip(table.rows, texts, strict=True)
    unknown = [f"row {row} ({text!r})" for row, text in cells if text.lower() not in SPLIT_NAMES]
    refuse(unknown, f"'{table.path}' has {len(unknown)} unknown splits", f"Expected one of {', '.join(SPLIT_NAMES)}.")
    return tuple(SPLIT_NAMES[text.lower()] for text in texts)


def table_slices(table: Table, column: str | None) -> tuple[int | None, ...] | None:
    """Return the index of the slice of each row, None where its cell is empty; None where there is no column.

    Raises:
        ValueError: A cell is no index.
    """
    if column is None:
        return None
    numbers = table.numbers(column)
    cells = zip(table.rows, numbers, strict=True)
    wrong = [f"row {row} ({number:g})" for row, number in cells if number < 0 or number % 1 > 0]
    refuse(wrong, f"'{table.path}' has {len(wrong)} slices that are no index", "Give whole numbers from 0 on.")
    return tuple(None if math.isnan(number) else int(number) for number in numbers)


def refuse_copies(
    table: Table, images: Sequence[str], slices: Sequence[int | None] | None, patients: Sequence[str]
) -> None:
    """Refuse an image that is listed twice, unless for other slices of one patient.

    Raises:
        ValueError: There is such an image.
    """
    keys = list(zip(images, slices or itertools.repeat(None), strict=False))
    counts = Counter(keys)
    copies = [f"row {row} ({key[0]})" for row, key in zip(table.rows, keys, strict=True) if counts[key] > 1]
    refuse(copies, f"'{table.path}' lists images twice, in {len(copies)} rows", "Keep one row for each image.")
    owners = Counter(image for image, _ in set(zip(images, patients, strict=True)))
    shared = [image for image, count in owners.items() if count > 1]
    refuse(shared, f"'{table.path}' gives {len(shared)} images to several patients", "Keep one patient for an image.")
