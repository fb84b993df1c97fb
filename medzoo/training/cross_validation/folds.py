"""The parts of the folds of a cross-validation, and the claim of its folder."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medzoo import files
from medzoo.data import Samples, folds, read_split, save_split
from medzoo.data.split_files import portable_names
from medzoo.recipe import Recipe
from medzoo.training.data import divide

SETTINGS = "crossval_settings.json"


def fold_parts(samples: Samples, recipe: Recipe, wanted: int | str | os.PathLike) -> list[tuple[Samples, ...]]:
    """Return (train, valid) of each fold, or (train, valid, test) where something is held out.

    The "test" part of the data is held out, or else the images that `medzoo.train` holds out by the recipe. All others
    are in the folds, whatever their part.

    Args:
        samples: The data set.
        recipe: Its `split` may hold a fraction for "test"; its seed chooses the folds.
        wanted: Number of folds, at least 2; or a CSV of `save_split` that says all of this.

    Raises:
        FileNotFoundError: There is no such CSV.
        ValueError: No images are left for the folds, there are fewer patients than folds, or the CSV is of other images
            or holds no folds.
    """
    if isinstance(wanted, str | os.PathLike):
        return _read_folds(wanted, samples)
    rest, test = _hold_out(samples, recipe)
    parts = folds(rest, wanted, recipe.seed)
    return [(*pair, test) for pair in parts] if len(test) else parts


def claim(run: Path, recipe: Recipe, parts: list[tuple[Samples, ...]]) -> None:
    """Take a folder for a cross-validation, or go on in its own.

    Raises:
        ValueError: The folder holds another cross-validation; the message says what differs.
    """
    files.claim(run / SETTINGS, "a cross-validation of another {}", _settings(recipe, parts))
    save_split(run / "folds.csv", parts)


def _read_folds(path: str | os.PathLike, samples: Samples) -> list[tuple[Samples, ...]]:
    parts = read_split(path, samples)
    if isinstance(parts, Samples):
        raise ValueError(f"'{path}' holds one set of parts; expected folds: the columns image and fold.")
    return parts


def _hold_out(samples: Samples, recipe: Recipe) -> tuple[Samples, Samples]:
    bare = replace(samples, splits=("",) * len(samples))
    if "test" in samples.splits:
        is_test = np.array(samples.splits) == "test"
    elif recipe.split.get("test"):
        is_test = _rows_of_test(bare, recipe)
    else:
        is_test = np.zeros(len(samples), bool)
    if is_test.all():
        raise ValueError(f"{samples!r} has no images to make folds of: all are held out. Give the training part too.")
    return bare[~is_test], replace(samples[is_test], splits=("test",) * int(is_test.sum()))


def _rows_of_test(samples: Samples, recipe: Recipe) -> np.ndarray:
    held_out = divide(samples, recipe).part("test")
    return np.isin(samples.patients, held_out.patients)


def _settings(recipe: Recipe, parts: list[tuple[Samples, ...]]) -> dict[str, Any]:
    """Return what must not change between two starts; what the rest depends on comes first."""
    return {
        "recipe": json.loads(recipe.decisive),
        "number of folds": len(parts),
        "data set": hashlib.sha256(json.dumps(sorted(_rows(parts))).encode()).hexdigest(),
    }


def _rows(parts: list[tuple[Samples, ...]]) -> list[tuple[Any, ...]]:
    """Return image, patient, target and fold of every image; no masks, which take long to read."""
    named = [(str(number), part[1]) for number, part in enumerate(parts, 1)]
    named += [("test", part) for part in parts[0][2:]]
    return [
        (image, patient, "" if samples.task_type.is_dense else target, fold)
        for fold, samples in named
        for image, patient, target in zip(portable_names(samples), samples.patients, samples.targets, strict=True)
    ]
