"""A path to Samples, whatever kind of data set it holds."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from medzoo.data.feed.packed import from_packed
from medzoo.data.feed.packed_file import PACKED_SUFFIX
from medzoo.data.samples import Samples
from medzoo.data.sources.arrays import ARCHIVE_SUFFIX, from_npz
from medzoo.data.sources.checks import Patient, kept_splits
from medzoo.data.sources.coco import from_coco_files
from medzoo.data.sources.coco_entries import is_coco
from medzoo.data.sources.folders import class_folders, from_folders, split_folders
from medzoo.data.sources.pairs import has_pairs
from medzoo.data.sources.shards import from_tfds
from medzoo.data.sources.tables import from_table
from medzoo.data.sources.volumes import from_volumes
from medzoo.data.split_files import read_split
from medzoo.data.table_files import TABLE_SUFFIXES, is_table
from medzoo.errors import unknown_name
from medzoo.io.find import is_junk

_ROBOFLOW = "_annotations.coco.json"
_TFDS = "tfds:"
# Options that take several names.
_LISTS = ("labels", "image", "channels")
# Options that are yes or no.
_FLAGS = ("allow_outside",)
# Options that only a table takes.
_COLUMNS = ("label", "target", "mask", "image")
_ACCEPTED = (
    f"Expected a COCO JSON or a folder with {_ROBOFLOW} or one other COCO JSON, also in folders train, valid and test; "
    "a CSV or Parquet table; pairs in images/ and labels/, or as case.nii.gz and case_labels.nii.gz; a folder for each "
    "class, also in folders train, valid and test; a NumPy archive .npz; a file of medzoo prepare, .h5; or tfds:NAME."
)


def read(source: str | os.PathLike, **options: Any) -> Samples:
    """Read any data set: behind `medzoo.data.read` and `--data` of the command line.

    The content of the path decides: a COCO file, or a folder with one or with split folders that each hold one
    (`from_coco`); a CSV or Parquet table, or a folder with one if an option names its column (`from_table`); pairs of
    image and mask (`from_volumes`); class folders (`from_folders`); a NumPy archive (`from_npz`); a file of
    `medzoo prepare` (`from_packed`); the name of a prepared data set behind "tfds:" (`from_tfds`). Masks beside their
    images win over class folders around them.

    Options may follow the path, so that one text says everything:
    `targets.csv:label=reduced_ef,image=ed,es` is `read("targets.csv", label="reduced_ef", image=("ed", "es"))`. Commas
    separate options, and several labels, image columns or channels.

    Args:
        source: The path, with or without options; or "tfds:NAME".
        options: Those of the function that reads it, such as `labels` and `patient`; they win over those in the text.
            `split=""` leaves out the parts that the data names. Every data set takes `split_file`, a file of
            `save_split` or `medzoo split` that says which image is in which part instead.

    Returns:
        All rows; `.part("train")` takes those of one split.

    Raises:
        FileNotFoundError: There is no such path, or it holds nothing that can be read; the message lists what can be.
        ValueError: An option is unknown, or the data has a fault, which the message names.

    Example:
        >>> data = medzoo.data.read("brain_tumor_coco:labels=tumor")
        >>> train, valid = data.part("train"), data.part("valid")
    """
    path, in_text = split_options(source)
    options = {**in_text, **options}
    split_file = options.pop("split_file", None)
    if split_file is not None and not path.startswith(_TFDS) and not path.lower().endswith(PACKED_SUFFIX):
        # Its own parts may separate patients, which is what the file is for.
        options.setdefault("split", "")
    samples = _read_path(path, options)
    return samples if split_file is None else _with_splits(split_file, samples)


def _read_path(path: str, options: Mapping[str, Any]) -> Samples:
    if path.startswith(_TFDS):
        return _call(from_tfds, path.removeprefix(_TFDS), options)
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no '{path}'. {_ACCEPTED}")
    if path.lower().endswith(TABLE_SUFFIXES):
        return _call(from_table, path, options)
    if os.path.isdir(path):
        return _read_folder(path, options)
    if path.lower().endswith(ARCHIVE_SUFFIX):
        return _call(from_npz, path, options)
    if path.lower().endswith(PACKED_SUFFIX):
        return _call(from_packed, path, options)
    if not path.lower().endswith(".json"):
        raise ValueError(f"'{path}' is no data set. {_ACCEPTED}")
    return _call(_read_coco, path, options)


def split_options(source: str | os.PathLike) -> tuple[str, dict[str, Any]]:
    """Split "path:name=value,name=value" into the path and its options.

    A path that exists is taken as it is.

    Example:
        >>> split_options("stacks:labels=background,heart,patient=patient[0-9]+")
        ('stacks', {'labels': ('background', 'heart'), 'patient': 'patient[0-9]+'})
    """
    text = os.fspath(source)
    match = re.fullmatch(r"(.+?):(\w+=.*)", text, re.DOTALL)
    if match is None or os.path.exists(text):
        return text, {}
    pairs = [option.split("=", 1) for option in re.split(r",(?=\w+=)", match[2])]
    return match[1], {name: _value(name, value) for name, value in pairs}


def _value(name: str, text: str) -> Any:
    if name in _FLAGS:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name} must be true or false. Received: {name}={text}.")
        return text.lower() == "true"
    # Quotes that a shell leaves inside others.
    text = "" if text in ("''", '""') else text
    return tuple(text.split(",")) if name in _LISTS and "," in text else text


def _with_splits(path: str | os.PathLike, samples: Samples) -> Samples:
    split = read_split(path, samples)
    if not isinstance(split, Samples):
        raise ValueError(
            f"'{path}' holds {len(split)} folds; one set of parts is expected here. Take them one by one in Python: "
            "medzoo.data.read_split(path, samples)."
        )
    return split


def _call(reader: Callable[..., Samples], path: str, options: Mapping[str, Any]) -> Samples:
    """Call a reader, and refuse options that it does not take."""
    _, *names = inspect.signature(reader).parameters
    for name in options:
        if name not in names:
            raise unknown_name("option", name, names, f"These are the options for '{path}'.")
    return reader(path, **options)


def _read_folder(folder: str, options: Mapping[str, Any]) -> Samples:
    tables = sorted(name for name in os.listdir(folder) if is_table(name))
    if any(name in options for name in _COLUMNS):
        if len(tables) != 1:
            raise ValueError(f"'{folder}' holds {len(tables)} tables; expected one with the columns. Give its path.")
        return _call(from_table, os.path.join(folder, tables[0]), options)
    parts = [folder, *(path for _, path in split_folders(folder))]
    if any(_coco_file(path) for path in parts):
        return _call(_read_coco, folder, options)
    if any(map(has_pairs, parts)):
        return _call(from_volumes, folder, options)
    if len(class_folders(folder)) > 1:
        return _call(from_folders, folder, options)
    hint = f" '{folder}' holds {tables[0]}: name its column, '{folder}:label=NAME'." if tables else ""
    raise FileNotFoundError(f"'{folder}' holds no data set.{hint} {_ACCEPTED}")


def _read_coco(
    path: str,
    labels: Any = None,
    patient: Patient = None,
    images: Any = None,
    allow_outside: bool = False,
    split: str | None = None,
) -> Samples:
    """Read a COCO file, or those of a folder or its split folders."""
    kept_splits((), split)
    if isinstance(labels, (tuple, list)):
        labels = {name: [name] for name in labels}
    file = Path(path) if os.path.isfile(path) else _coco_file(path)
    if file is not None:
        return from_coco_files([file], images, labels, patient, allow_outside)[0]
    parts = [(name, part, file) for name, part in split_folders(path) if (file := _coco_file(part))]
    names = kept_splits([name for name, _, _ in parts], split) or ()
    samples = from_coco_files([file for _, _, file in parts], images, labels, patient, allow_outside, names)
    folders = [part for _, part, _ in parts]
    return _join(path, list(zip(folders, names, samples, strict=True)))


def _coco_file(folder: str) -> Path | None:
    """Return the COCO file of a folder, if it has one."""
    if os.path.isfile(file := os.path.join(folder, _ROBOFLOW)):
        return Path(file)
    files = [file for file in sorted(Path(folder).glob("*.json")) if not is_junk(file.name) and _holds_coco(file)]
    if len(files) > 1:
        names = ", ".join(file.name for file in files)
        raise ValueError(f"'{folder}' holds {len(files)} COCO files: {names}. Give the path of one of them.")
    return files[0] if files else None


def _holds_coco(file: Path) -> bool:
    try:
        return is_coco(json.loads(file.read_bytes()))
    except ValueError:
        return False


def _join(source: str, parts: list[tuple[str, str, Samples]]) -> Samples:
    """Join parts (folder, split, samples) of equal labels; Samples refuses a patient in two splits."""
    first, _, samples = parts[0]
    for folder, _, part in parts:
        if part.in_order(samples.labels).labels != samples.labels:
            raise ValueError(
                f"The labels in '{source}' differ: {os.path.basename(first)} has {', '.join(samples.labels)}, "
                f"{os.path.basename(folder)} has {', '.join(part.labels)}. Give the same categories, or map them with "
                "`labels`."
            )
    return reduce(add, (replace(part, splits=(split,) * len(part)) for _, split, part in parts))
