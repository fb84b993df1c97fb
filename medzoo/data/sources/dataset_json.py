"""What the `dataset.json` of a folder of volumes says of the values in its masks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from medzoo.data.sources.masks import mask_labels
from medzoo.files import read_json
from medzoo.task.segmentation import IGNORED

# Larger than any value of a mask: label images have 16 bits at most.
_MOST = 2**16
_IGNORE = "ignore"


class MaskLabels(NamedTuple):
    """What the values in masks mean.

    Args:
        names: Label names, background first.
        codes: Label index of each value from 0 on, 255 where it is to be ignored, -1 where there is no such value; None
            where the values are the indices.
    """

    names: tuple[str, ...]
    codes: tuple[int, ...] | None = None


def described_labels(folder: str, names: tuple[str, ...] | None = None) -> MaskLabels | None:
    """Return the labels in the `dataset.json` of MSD ({"0": "background"}) or nnU-Net ({"background": 0}).

    nnU-Net's regions, `"vessels": [1, 2]`, become one label where no two of them hold the same value. The pixels of
    its label "ignore" count neither in the loss nor in the scores.

    Args:
        folder: The folder.
        names: Label names that win over those in the file; which value is ignored, the file still says.

    Returns:
        The labels; None where neither `names` nor a file says them.

    Raises:
        ValueError: The file is damaged, regions overlap, or there is not one name for each of the values.

    Source: https://github.com/MIC-DKFZ/nnUNet/blob/master/documentation/region_based_training.md and ignore_label.md
    """
    file = os.path.join(folder, "dataset.json")
    content = read_json(file) if os.path.isfile(file) else {}
    table = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(table, dict):
        return None if names is None else MaskLabels(names)
    pairs = [(str(name), _index(key)) for key, name in table.items()] if "0" in table else list(table.items())
    rows = [(name, _values(file, name, entry)) for name, entry in pairs if names is None or name == _IGNORE]
    indices = {value: IGNORED for name, values in rows if name == _IGNORE for value in values}
    if names is not None:
        return MaskLabels(names, _codes(file, indices | {index: index for index in range(len(names))}, names))
    names = _names(file, table, rows)
    indices |= {value: names.index(name) for name, values in rows if name != _IGNORE for value in values}
    return MaskLabels(names, _codes(file, indices, names))


def _values(file: str, name: str, entry: Any) -> tuple[int, ...]:
    """Return the values of a label: one, or those of a region."""
    values = entry if isinstance(entry, list) and name != _IGNORE else [entry]
    # Not `isinstance`, since True is an int, too.
    if not values or not all(type(value) is int and 0 <= value < _MOST for value in values):
        raise ValueError(
            f"{file}: the label '{name}' must have one whole number from 0 on"
            f"{'' if name == _IGNORE else ', or a list of them for a region'}. Received: {entry!r}. Correct the file."
        )
    return tuple(values)


def _index(key: str) -> int | str:
    return int(key) if key.isdecimal() else key


def _names(file: str, table: dict[str, Any], rows: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[str, ...]:
    """Return the names of the labels in the order of their smallest value."""
    owner: dict[int, str] = {}
    for name, values in rows:
        for value in values:
            if owner.setdefault(value, name) != name:
                raise ValueError(
                    f"{file}: the labels '{owner[value]}' and '{name}' both hold the value {value}. A mask gives each "
                    "pixel one label, so regions must not overlap. Give one name for each value in the masks by "
                    "`labels`, for example labels=('background', 'edema', 'core', 'enhancing')."
                )
    if sorted(owner) != list(range(len(owner))):
        raise ValueError(f"{file} has the labels {table}; expected one name for each of 0, 1, 2, ... Give `labels`.")
    return mask_labels([name for name, values in sorted(rows, key=lambda row: min(row[1])) if name != _IGNORE])


def _codes(file: str, indices: dict[int, int], names: tuple[str, ...]) -> tuple[int, ...] | None:
    if IGNORED in indices.values() and len(names) > IGNORED:
        raise ValueError(f"{file}: with values to ignore there can be {IGNORED} labels at most; got {len(names)}.")
    codes = tuple(indices.get(value, -1) for value in range(max(indices) + 1))
    return None if codes == tuple(range(len(names))) else codes
