"""CSV and Parquet tables to Samples."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from medzoo.data.checks import Classes, check_classes, check_files, check_numbers, class_table, logger
from medzoo.data.masks import mask_labels
from medzoo.data.samples import Samples
from medzoo.data.table_columns import refuse_copies, table_files, table_images, table_slices, table_splits
from medzoo.data.table_files import Table, read_table
from medzoo.data.volumes import check_grids, guessed_labels, mask_target

# More different decimal numbers than this are measurements, not classes.
_MOST_CLASSES = 20


def from_table(
    path: str | os.PathLike,
    image: str | Sequence[str] | None = None,
    label: str | None = None,
    target: str | None = None,
    mask: str | None = None,
    patient: str | None = None,
    split: str | None = None,
    slice: str | None = None,
    labels: Classes | str = None,
    folder: str | os.PathLike | None = None,
) -> Samples:
    """Read a table that names an image and what is to be answered in each row.

    One of three columns says the task: `label` holds classes, as text or numbers (1, "1" and 1.0 are one class);
    `target` holds the numbers of a regression; `mask` holds the paths of masks. A column of that name is taken where
    none is given.

    Args:
        path: A CSV (comma, semicolon or tab; UTF-8) or Parquet file, with the names of the columns on top.
        image: Column of the image paths; several, to take several images of each row; or a pattern of columns such as
            "scans/{patient}_ed.nii.gz". By default image, path, file, file_name or filename.
        label: Column of the classes.
        target: Column of the numbers.
        mask: Column of the paths of the masks, NIfTI or pictures.
        patient: Column of the patients; patient or patient_id by default. Without it each image is its own.
        split: Column with train, valid or test (also training, val, validation, testing); "split" by default.
        slice: Column with the index of the slice in the middle of a 2.5D stack; "slice" by default.
        labels: Of classes: as in `from_folders`; rows of other classes are left out. Of masks: label names, the
            background first, or the name of the only structure.
        folder: Where the paths begin; the folder of the table by default.

    Returns:
        One row per row and image column, in the order of the table.

    Raises:
        FileNotFoundError: There is no such table, or images or masks are missing; the message counts them.
        ValueError: A column is unknown, cells are empty or no numbers, an image is listed twice, all targets are the
            same, there is one class only, or a patient is in two splits. The message counts the rows and names the
            first; the names of the columns are row 1.
        ImportError: A Parquet file needs pyarrow.

    Example:
        >>> data = medzoo.data.from_table("cardiac_mri/targets.csv", image="ed", label="reduced_ef")
        >>> data.labels
        ('0', '1')
    """
    table = read_table(path)
    kind, column = _kind(table, {"label": label, "target": target, "mask": mask})
    if kind == "label" and labels is not None:
        table = _of_classes(table, column, labels)
    folder = os.path.dirname(table.path) if folder is None else os.fspath(folder)
    table, images = table_images(table, image, folder)
    splits = table_splits(table, table.find("split", split, needed=False))
    if kind == "label":
        targets, names = _classes(table, column, labels, splits)
    elif kind == "target":
        targets, names = _numbers(table, column, splits), (column,)
    else:
        targets, names = _masks(images, table_files(table, column, folder), labels)
    slices = table_slices(table, table.find("slice", slice, needed=False))
    people = table.find("patient", patient, needed=False)
    patients = table.names(people) if people else images
    refuse_copies(table, images, slices, patients)
    return Samples(images, targets, patients, splits, names, slices)


def _kind(table: Table, given: Mapping[str, str | None]) -> tuple[str, str]:
    """Return which of label, target and mask the rows hold, and the name of its column."""
    named = {kind: name for kind, name in given.items() if name is not None}
    found = named or {kind: name for kind in given if (name := table.find(kind, None, needed=False))}
    if len(found) != 1:
        raise ValueError(
            f"Exactly one of label (classes), target (numbers) and mask (paths) is needed for '{table.path}'; got "
            f"{', '.join(found) or 'none'}. Its columns are {', '.join(table.columns)}: name one, for example "
            f"label='{next(iter(table.columns))}'."
        )
    ((kind, name),) = found.items()
    return kind, table.find(kind, name)


def _of_classes(table: Table, column: str, labels: Classes) -> Table:
    """Return the rows whose class `labels` names."""
    texts = table.names(column)
    _, index = class_table(texts, labels, table.path)
    rows = [row for row, text in enumerate(texts) if text in index]
    if len(rows) < len(table):
        logger.warning("%s: %d rows of other classes are left out.", table.path, len(table) - len(rows))
    return table[rows]


def _classes(
    table: Table, column: str, labels: Classes, splits: Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    texts = table.names(column)
    if labels is None and len(set(texts)) > _MOST_CLASSES and any("." in text for text in texts):
        raise ValueError(
            f"The column '{column}' of '{table.path}' holds {len(set(texts))} different numbers; expected classes. "
            f"For a regression give target='{column}'."
        )
    names, index = class_table(texts, labels, table.path)
    targets = tuple(index[text] for text in texts)
    check_classes(targets, splits, names, table.path)
    return targets, names


def _numbers(table: Table, column: str, splits: Sequence[str]) -> tuple[float, ...]:
    numbers = table.numbers(column)
    rows = [f"row {row}" for row in table.rows]
    check_numbers(numbers, rows, splits, f"the column '{column}' of '{table.path}'")
    return numbers


def _masks(
    images: Sequence[str], masks: Sequence[str], labels: str | Sequence[str] | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    check_files("", masks, "the mask column")
    names = mask_labels(labels) or guessed_labels(masks[0])
    targets = tuple(mask_target(mask, names, image) for mask, image in zip(masks, images, strict=True))
    check_grids(targets)
    return targets, names
