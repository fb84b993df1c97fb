"""Splits and folds in a CSV file, to be repeated by others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

from medzoo.data.samples import SPLITS, Samples
from medzoo.data.sources.checks import SPLIT_NAMES, refuse
from medzoo.data.splits import check_patients
from medzoo.data.subsets import with_split
from medzoo.data.table_files import Table, read_table
from medzoo.files import write_rows


def save_split(path: str | os.PathLike, split: Samples | Sequence[Samples | tuple[Samples, ...]]) -> None:
    """Write which image is in which part as CSV.

    The file has the columns image and split, or image and fold: the number, from 1, of the fold whose validation part
    has the image, or "test". Images are named by their path below the folder that holds all of them, so it may move.

    Args:
        path: The CSV file.
        split: Samples with splits; or the parts that `Samples.split` returns, or the folds that `folds` returns.

    Raises:
        ValueError: A row has no split, or two rows of one image are in different parts.

    Example:
        >>> medzoo.data.save_split("split.csv", data.split(valid=0.2, seed=0))
        >>> data = medzoo.data.read_split("split.csv", data)
    """
    column, samples, parts = _columns(split)
    part_of: dict[str, str] = {}
    for name, part in zip(portable_names(samples), parts, strict=True):
        if not part or part_of.setdefault(name, part) != part:
            raise ValueError(f"'{name}' must be in one part; it is in {part_of.get(name, 'none')!r} and {part!r}.")
    write_rows(path, ({"image": name, column: part} for name, part in part_of.items()))


def read_split(path: str | os.PathLike, samples: Samples) -> Samples | list[tuple[Samples, ...]]:
    """Read what `save_split` wrote.

    Args:
        path: The CSV file; its images may also be named from another folder on, as a published table of folds does.
        samples: The images of which the split was saved, wherever they are now; their own splits are ignored.

    Returns:
        The samples with the splits of the file; or the list of (train, valid) or (train, valid, test) of its folds.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Images are missing in the file or among the samples (all are counted), it names unknown parts, or a
            patient is in two of them.
    """
    table = read_table(path)
    column = next((name for name in ("split", "fold") if name in table.columns), None)
    if column is None or "image" not in table.columns:
        raise ValueError(f"'{path}' needs the columns image and split, or image and fold; got {list(table.columns)}.")
    part_of = _parts_of(table, column)
    part_of = dict(zip(_below_their_folder(list(part_of)), part_of.values(), strict=True))
    names = portable_names(samples)
    _check_names(path, names, part_of)
    parts = [part_of[name] for name in names]
    bare = replace(samples, splits=("",) * len(samples))
    return replace(bare, splits=tuple(parts)) if column == "split" else _folds(path, bare, parts)


def _parts_of(table: Table, column: str) -> dict[str, str]:
    """Return the part of each image by its name with "/", splits by their usual names.

    Raises:
        ValueError: Cells are empty, or an image is in two parts.
    """
    part_of: dict[str, str] = {}
    twice = []
    for row, name, cell in zip(table.rows, table.texts("image"), table.names(column), strict=True):
        part = SPLIT_NAMES.get(cell.lower(), cell)
        name = name.replace("\\", "/").removeprefix("./")
        twice += [f"row {row} ({name})"] if part_of.setdefault(name, part) != part else []
    refuse(twice, f"'{table.path}' puts {len(twice)} images into a second part", "Keep one row for each image.")
    return part_of


def part_sizes(split: Sequence[Samples | tuple[Samples, ...]]) -> dict[str, int]:
    """Return the number of images of each part, or of what each fold validates, by name.

    Args:
        split: The parts that `Samples.split` returns, or the folds that `folds` returns.

    Example:
        >>> part_sizes(data.split(valid=0.2, seed=0))
        {'train': 16, 'valid': 4}
    """
    folds = [fold for fold in split if not isinstance(fold, Samples)]
    sizes = {part.splits[0]: len(part) for part in split if isinstance(part, Samples)}
    sizes |= {f"fold {number}": len(fold[1]) for number, fold in enumerate(folds, 1)}
    return sizes | {"test": len(folds[0][2])} if folds and len(folds[0]) > 2 else sizes


def portable_names(samples: Samples) -> list[str]:
    """Return the path of each image below the folder that holds all of them, with "/" on every system."""
    return _below_their_folder(samples.sources)


def _below_their_folder(paths: Sequence[str]) -> list[str]:
    try:
        folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    except ValueError:
        # Some paths are absolute and others not, or there are none.
        return list(paths)
    return [Path(os.path.relpath(path, folder or ".")).as_posix() for path in paths]


def _columns(split: Samples | Sequence[Samples | tuple[Samples, ...]]) -> tuple[str, Samples, Sequence[str]]:
    """Return the name of the column, all rows, and the part of each."""
    if isinstance(split, Samples):
        return "split", split, split.splits
    folds = [fold for fold in split if not isinstance(fold, Samples)]
    if folds:
        return "fold", *_numbered(folds)
    rows = reduce(add, [part for part in split if isinstance(part, Samples)])
    return "split", rows, rows.splits


def _numbered(folds: Sequence[tuple[Samples, ...]]) -> tuple[Samples, list[str]]:
    """Return all rows of the folds, and for each the number of its fold or "test"."""
    valid = [part[1] for part in folds]
    parts = [str(number) for number, part in enumerate(valid, 1) for _ in range(len(part))]
    tests = [part[2] for part in folds[:1] if len(part) > 2]
    rows = [replace(part, splits=("",) * len(part)) for part in (*valid, *tests)]
    return reduce(add, rows), parts + ["test"] * sum(map(len, tests))


def _folds(path: str | os.PathLike, samples: Samples, parts: Sequence[str]) -> list[tuple[Samples, ...]]:
    numbers = sorted({part for part in parts if part != "test"}, key=lambda part: (len(part), part))
    if numbers != [str(number) for number in range(1, len(numbers) + 1)] or len(numbers) < 2:
        raise ValueError(f"'{path}' must number its folds 1, 2, ...; got {', '.join(numbers)}.")
    check_patients(samples.patients, [f"fold {part}" for part in parts])
    folds = []
    for number in numbers:
        split_of = dict.fromkeys(numbers, "train") | {number: "valid", "test": "test"}
        splits = [split_of[part] for part in parts]
        named = [[row for row, split in enumerate(splits) if split == name] for name in SPLITS]
        folds.append(tuple(with_split(samples, rows, name) for name, rows in zip(SPLITS, named, strict=True) if rows))
    return folds


def _check_names(path: str | os.PathLike, names: Sequence[str], part_of: dict[str, str]) -> None:
    missing = sorted(set(names) - part_of.keys())
    refuse(missing, f"'{path}' lacks {len(missing)} of {len(names)} images", "It belongs to another set of images.")
    unknown = sorted(part_of.keys() - set(names))
    refuse(unknown, f"'{path}' names {len(unknown)} images that are not there", "Read all images that were split.")
