"""CSV and Parquet tables to Samples."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from medzoo.data.samples import Samples
from medzoo.data.sources.checks import (
    SPLIT_NAMES,
    Classes,
    check_classes,
    check_files,
    check_numbers,
    class_table,
    logger,
    named_patients,
    refuse,
)
from medzoo.data.sources.masks import mask_labels
from medzoo.data.sources.volumes import check_grids, guessed_labels, mask_target
from medzoo.data.table_files import Place, Table, example, paths_in, read_table
from medzoo.io import ChannelImage
from medzoo.io.channels import check_channel_grids, stated_channels
from medzoo.io.formats import stem_of


def _image_rows(
    table: Table, names: Sequence[str], channels: Sequence[str] | None, place: Place
) -> tuple[Table, tuple[Any, ...]]:
    """Return the table with one row for each image, and the images: paths, or those of channels.

    Raises:
        FileNotFoundError: Images are missing.
        ValueError: Channels have several grids.
    """
    columns = [paths_in(table, name, place) for name in names]
    if channels is not None:
        check_files([path for column in columns for path in column], f"'{table.path}'")
        images = tuple(ChannelImage(row, tuple(channels)) for row in zip(*columns, strict=True))
        check_channel_grids(images)
        return table, images
    paths = tuple(itertools.chain(*zip(*columns, strict=True)))
    check_files(paths, f"'{table.path}'")
    return table[[row for row in range(len(table)) for _ in columns]], paths


def _splits(table: Table, column: str | None) -> tuple[str, ...]:
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


def _slices(table: Table, column: str | None) -> tuple[int | None, ...]:
    """Return the index of the slice of each row, None where its cell is empty or there is no column.

    Raises:
        ValueError: A cell is no index.
    """
    if column is None:
        return (None,) * len(table)
    numbers = table.numbers(column)
    cells = zip(table.rows, numbers, strict=True)
    wrong = [f"row {row} ({number:g})" for row, number in cells if number < 0 or number % 1 > 0]
    refuse(wrong, f"'{table.path}' has {len(wrong)} slices that are no index", "Give whole numbers from 0 on.")
    return tuple(None if math.isnan(number) else int(number) for number in numbers)


def _patients(table: Table, column: str | None, images: tuple[Any, ...]) -> tuple[str, ...]:
    if column is None:
        return tuple(map(str, images))
    rows = [f"row {row}" for row in table.rows]
    return named_patients(table.columns[column], rows, f"The column '{column}' of '{table.path}'")


def _refuse_copies(table: Table, images: Sequence[Any], slices: Sequence[int | None], patients: Sequence[str]) -> None:
    """Refuse an image that is listed twice, unless for other slices of one patient.

    Raises:
        ValueError: There is such an image.
    """
    keys = list(zip(images, slices, strict=True))
    counts = Counter(keys)
    copies = [f"row {row} ({key[0]})" for row, key in zip(table.rows, keys, strict=True) if counts[key] > 1]
    refuse(copies, f"'{table.path}' lists images twice, in {len(copies)} rows", "Keep one row for each image.")
    owners = Counter(image for image, _ in set(zip(images, patients, strict=True)))
    shared = [image for image, count in owners.items() if count > 1]
    refuse(shared, f"'{table.path}' gives {len(shared)} images to several patients", "Keep one patient for an image.")


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
    channels: str | Sequence[str] | None = None,
    labels: Classes | str = None,
    folder: str | os.PathLike | None = None,
    allow_outside: bool = False,
) -> Samples:
    """Read a table that names an image and what is to be answered in each row.

    One of three columns says the task: `label` holds classes, as text or numbers (1, "1" and 1.0 are one class);
    `target` holds the numbers of a regression; `mask` holds the paths of masks. If none of them is named, the column
    that is called label, target or mask is taken. `mask` and `label` together are masks of one structure each, which
    `label` names: outlines of lesions that are benign or malignant.

    Args:
        path: A CSV (comma, semicolon or tab; UTF-8) or Parquet file, with the names of the columns on top.
        image: Column of the image paths; several, to take several images of each row; or a pattern of columns such as
            "scans/{patient}_ed.nii.gz". By default image, path, file, file_name or filename.
        label: Column of the classes.
        target: Column of the numbers.
        mask: Column of the paths of the masks, NIfTI or pictures.
        patient: Column of the patients. By default the one that looks like it (patient, PatientID, subject, ...), or
            with a warning one that holds rows together (case_id, StudyInstanceUID, ...); else, and for "", each image
            is its own. 1, 1.0 and "01" are one patient; rows without a patient are refused.
        split: Column with train, valid or test (also training, val, validation, testing); "split" by default, "" for
            none.
        slice: Column with the index of the slice in the middle of a 2.5D stack; "slice" by default.
        channels: Columns, or patterns of columns, whose files are the channels of one image, such as the two phases of
            a heart, or the sequences of an MR scan; instead of `image`. The channels are called like the columns.
        labels: For classes as in `from_folders`; rows of other classes are left out. For masks the label names, the
            background first, or the name of the only structure; beside `label` its classes behind "background" by
            default, and the masks of other classes ("normal") must be empty.
        folder: Where the paths begin; the folder of the table by default.
        allow_outside: Whether paths may leave that folder, by "../" or as full paths.

    Returns:
        One row per row and image column, in the order of the table.

    Raises:
        FileNotFoundError: There is no such table, or images or masks are missing; the message counts them.
        ValueError: A column is unknown, cells are empty or not numbers, an image is listed twice, all targets are the
            same, there is one class only, or a patient is in two splits. The message counts the rows and names the
            first ones; the names of the columns are row 1.
        ImportError: A Parquet file needs pyarrow.

    Example:
        >>> data = medzoo.data.from_table("cardiac_mri/targets.csv", image="ed", label="reduced_ef")
        >>> data.labels
        ('0', '1')
    """
    table = read_table(path)
    structure = None if mask is None or label is None else table.column("label", label)
    kind, column = _kind(table, {"label": None if structure else label, "target": target, "mask": mask})
    if kind == "label" and labels is not None:
        table = _of_classes(table, column, labels)
    place = Place(os.path.dirname(table.path) if folder is None else os.fspath(folder), allow_outside)
    files, names_of_channels = _image_columns(table, image, channels)
    table, images = _image_rows(table, files, names_of_channels, place)
    parts = None if split == "" else table.column_if_any("split", split)
    splits = _splits(table, parts)
    targets: tuple[Any, ...]
    if kind == "label":
        targets, names = _classes(table, column, labels, splits)
    elif kind == "target":
        targets, names = _numbers(table, column, splits), (column,)
    else:
        structures = structure and table.names(structure, _named(labels))
        targets, names = _masks(images, paths_in(table, column, place), labels, structures)
    slices = _slices(table, table.column_if_any("slice", slice))
    others = [
        *files,
        column,
        *([structure] if structure else []),
        parts or table.usual("split"),
        table.column_if_any("slice", slice),
    ]
    patients = _patients(table, table.patients(patient, others), images)
    _refuse_copies(table, images, slices, patients)
    return Samples(images, targets, patients, splits, names, slices)


def _image_columns(
    table: Table, image: str | Sequence[str] | None, channels: str | Sequence[str] | None
) -> tuple[list[str], tuple[str, ...] | None]:
    """Return the columns of images, and the names of the channels if they are these."""
    if channels is None:
        return [table.column("image", None)] if image is None else [image] if isinstance(image, str) else list(
            image
        ), None
    if image is not None:
        raise ValueError(f"Give either `image` or `channels`. Received: image={image!r}, channels={channels!r}.")
    columns = stated_channels(None, channels)
    # What a pattern has beside its columns and the suffix: "ed" of "{patient}_ed.nii.gz".
    names = [stem_of(re.sub(r"\{\w*\}", "", column)).strip("_-./ ") or column for column in columns]
    return list(columns), tuple(names) if len(set(names)) == len(names) else columns


def _kind(table: Table, names: Mapping[str, str | None]) -> tuple[str, str]:
    """Return which of label, target and mask the rows hold, and the name of its column."""
    named = {kind: name for kind, name in names.items() if name is not None}
    columns = named or {kind: name for kind in names if (name := table.usual(kind))}
    if len(columns) != 1:
        raise ValueError(
            f"Exactly one of label (classes), target (numbers) and mask (paths) is needed for '{table.path}', or both "
            f"mask and label (the structure in the mask); got {', '.join(columns) or 'none'}. Its columns are "
            f"{', '.join(table.columns)}: name one{example(table)}."
        )
    ((kind, name),) = columns.items()
    return kind, table.column(kind, name)


def _named(labels: Classes | str) -> set[str]:
    """Return the classes that the user names, which are classes even where they are called "None"."""
    groups = labels.values() if isinstance(labels, Mapping) else [labels or ()]
    return {str(name) for names in groups if not isinstance(names, str) for name in names}


def _of_classes(table: Table, column: str, labels: Classes | str) -> Table:
    """Return the rows whose class `labels` names."""
    texts = table.names(column, _named(labels))
    _, index = class_table(texts, labels, table.path)
    rows = [row for row, text in enumerate(texts) if text in index]
    if len(rows) < len(table):
        logger.warning("%s: %d rows of other classes are left out.", table.path, len(table) - len(rows))
    return table[rows]


def _classes(
    table: Table, column: str, labels: Classes | str, splits: Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    texts = table.names(column, _named(labels))
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
    images: Sequence[Any], masks: Sequence[str], labels: Classes | str, structures: Sequence[str] | None
) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    check_files(masks, "the mask column")
    if structures is not None:
        names = mask_labels(("background", *sorted(set(structures))) if labels is None else labels)
        of = {structure: _one_structure(names, structure) for structure in set(structures)}
        codes: list[tuple[int, ...] | None] = [of[structure] for structure in structures]
    else:
        names = guessed_labels(masks[0]) if labels is None else mask_labels(labels)
        codes = [None] * len(masks)
    rows = zip(masks, images, codes, strict=True)
    targets = tuple(mask_target(mask, names, image, code) for mask, image, code in rows)
    check_grids(targets)
    return targets, names


def _one_structure(names: Sequence[str], structure: str) -> tuple[int, ...]:
    """Return the label index of each value in a mask of one structure, as in `MaskLabels`: 0, and 1 or 255.

    A structure without a label has no values beside 0: its mask must be empty.
    """
    index = names.index(structure) if structure in names[1:] else -1
    return (0, index, *[-1] * 253, index)
