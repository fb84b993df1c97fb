"""What every reader checks in its rows: names, classes, splits, patients, files. A message counts all faults."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from medzoo.data.sources.names import MISSING_TEXT, patient_name, warn_of_lookalikes
from medzoo.errors import unknown_name
from medzoo.io.find import natural

logger = logging.getLogger("medzoo")

# Names of splits in folders and tables, in any case.
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}

Patient = str | Callable[[str], str] | None
Classes = Sequence[str] | Mapping[str, Sequence[str]] | None


def refuse(faults: Sequence[object], text: str, fix: str, kind: type[Exception] = ValueError) -> None:
    """Raise an error if there are any faults: the text, the first three, and the fix; all of them are in a note."""
    if not faults:
        return
    names = [str(fault) for fault in faults]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    error = kind(f"{text}: {', '.join(names[:3])}{more}. {fix}")
    if len(names) > 3:
        error.add_note("All of them: " + ", ".join(names))
    raise error


def kept_splits(splits: Sequence[str] | None, split: str | None) -> tuple[str, ...] | None:
    """Return the splits that a source names, or for `split=""` none of them, so that a data set can be split anew.

    Raises:
        ValueError: `split` is something else.
    """
    if split:
        raise ValueError(
            f"The option split can only be '', which leaves out the parts of the data. Received: {split!r}."
        )
    return None if splits is None else tuple(splits) if split is None else ("",) * len(splits)


def class_table(
    classes: Iterable[str], labels: Classes | str, source: object
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the label names, and the label index of each class.

    Args:
        classes: Names in the source: of its class folders, or in its label column.
        labels: None: each name is a label, in natural order. A sequence of names: these, in this order. A mapping of
            label to names: these names as one label. What it leaves out has no index.
        source: File or folder, for messages.

    Raises:
        ValueError: There are fewer than two labels, a name is not in the source, or a name is in two labels.
        TypeError: `labels` is a single text, or maps a label to one.
    """
    # Sorted twice, so that A and a, or 1 and 01, have one order in all processes.
    present = sorted(sorted(set(classes)), key=natural)
    if labels is None:
        warn_of_lookalikes("classes", present, source, "Write a class in one way, or join them with `labels`.")
    groups = _groups(present, labels)
    index: dict[str, int] = {}
    for number, (label, names) in enumerate(groups.items()):
        for name in names:
            if name not in present:
                raise unknown_name("class", name, present, f"These are in '{source}'.")
            if index.setdefault(name, number) != number:
                raise ValueError(f"`labels` puts '{name}' into both '{list(groups)[index[name]]}' and '{label}'.")
    if len(groups) < 2:
        raise ValueError(
            f"'{source}' has {len(groups)} class ({', '.join(groups) or 'none'}); a classification needs two. "
            "Add images of another class."
        )
    return tuple(groups), index


def _groups(classes: Sequence[str], labels: Classes | str) -> dict[str, list[str]]:
    if labels is None:
        return {name: [name] for name in classes}
    values = list(labels.values()) if isinstance(labels, Mapping) else [labels]
    if any(isinstance(value, str) for value in values):
        raise TypeError(f"`labels` must be a list of classes, or map each label to such a list. Received: {labels!r}.")
    if isinstance(labels, Mapping):
        return {label: [str(name) for name in names] for label, names in labels.items()}
    return {str(name): [str(name)] for name in labels}


def check_classes(targets: Sequence[int], splits: Sequence[str], labels: Sequence[str], source: object) -> None:
    """Refuse labels without images, and labels that another part has but the training part lacks.

    Raises:
        ValueError: There is such a label; the message names it.
    """
    used = set(targets)
    empty = [label for index, label in enumerate(labels) if index not in used]
    refuse(empty, f"{len(empty)} classes in '{source}' have no image", "Add images, or leave the classes out.")
    trained = {target for target, split in zip(targets, splits, strict=True) if split == "train"}
    unseen = [labels[index] for index in sorted(used - trained)] if trained else []
    refuse(
        unseen,
        f"{len(unseen)} classes in '{source}' are missing in train, but not in valid or test",
        "No model can learn them. Move images into train, or leave the classes out.",
    )


def check_numbers(values: Sequence[float], names: Sequence[str], splits: Sequence[str], source: object) -> None:
    """Refuse values of a regression that are NaN or infinite, or all equal in the training part.

    Raises:
        ValueError: There are such values; the message names their rows.
    """
    wrong = [f"{name} ({value})" for name, value in zip(names, values, strict=True) if not math.isfinite(value)]
    refuse(wrong, f"{len(wrong)} values in {source} are not finite", "Correct these rows, or take them out.")
    trained = [value for value, split in zip(values, splits, strict=True) if split in ("", "train")]
    if len(trained) > 1 and len(set(trained)) == 1:
        raise ValueError(f"All {len(trained)} values in {source} are {trained[0]:g}; nothing can be learnt from them.")


def plain_file(name: str) -> str:
    """Return the name of a file with "/" on every system, without "./" and the like."""
    return os.path.normpath(name.strip().replace("\\", "/"))


def outside_files(folder: str | os.PathLike, files: Sequence[str], source: object, option: str) -> None:
    """Refuse names of files that leave `folder`, by "../" or by a full path.

    Args:
        folder: Where the files are to be.
        files: Their names as in `plain_file`, or paths.
        source: The file that names them, for messages.
        option: The option that gives another folder.

    Raises:
        ValueError: There are such names.
    """
    root = os.path.abspath(folder)
    leaving = [file for file in files if os.path.isabs(file) or file.startswith("..")]
    outside = [file for file in leaving if not _is_below(root, os.path.abspath(os.path.join(root, file)))]
    refuse(
        outside,
        f"{source} names {len(outside)} files outside '{folder}'",
        f"Give the folder that holds them, {option}=FOLDER; or, if you trust the file, allow_outside=True.",
    )


def _is_below(root: str, path: str) -> bool:
    return path.startswith(os.path.join(root, ""))


def missing_files(folder: str | os.PathLike, files: Sequence[str]) -> list[str]:
    """Return which files are not below `folder`: one listing per folder is faster than one question per file."""
    present = {parent: _listing(os.path.join(folder, parent)) for parent in {os.path.dirname(file) for file in files}}
    return [file for file in files if os.path.basename(file) not in present[os.path.dirname(file)]]


def check_files(files: Sequence[str], source: object) -> None:
    """Refuse paths of files that do not exist.

    Raises:
        FileNotFoundError: Files are missing; the message counts them.
    """
    missing = missing_files("", files)
    refuse(
        missing,
        f"{len(missing)} of the {len(files)} files in {source} do not exist",
        "Correct the names, or the folder that they are in.",
        FileNotFoundError,
    )


def _listing(folder: str) -> set[str]:
    return set(os.listdir(folder or ".")) if os.path.isdir(folder or ".") else set()


def named_patients(values: Sequence[Any], rows: Sequence[str], source: object) -> tuple[str, ...]:
    """Return the patients that a source names in its rows, each by its one name, as in `patient_name`.

    Args:
        values: What the source has: texts, numbers, None.
        rows: What stands for each row in messages, such as "row 2".
        source: The file and its column, for messages.

    Raises:
        ValueError: A row names nobody; the message says which.
    """
    people = tuple(map(patient_name, values))
    nameless = [row for row, person in zip(rows, people, strict=True) if not person]
    refuse(
        nameless,
        f"{source} names no patient in {len(nameless)} rows",
        f"Give each a patient, a name of its own where the person is not known, or take the rows out; {MISSING_TEXT}.",
    )
    warn_of_lookalikes("patients", dict.fromkeys(people), source, "Write a patient in one way.")
    return people
