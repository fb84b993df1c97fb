"""What of a data set on disk a recipe's training, validation or test takes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from medzoo import data
from medzoo.data import Samples, fit_preprocessing, fraction, prepare
from medzoo.data.feed.packing import Packing
from medzoo.data.samples import SPLITS
from medzoo.data.sources.read import split_options
from medzoo.preprocessing import DATASET
from medzoo.recipe import Recipe


def parts(samples: Samples, recipe: Recipe) -> tuple[Samples, Samples]:
    """Return the training and the validation part, as the samples say or else as the recipe does.

    Raises:
        ValueError: The samples name splits, but "train" is not among them; or a field of the recipe's `split` is wrong.
    """
    divided = divide(samples, recipe)
    training = fraction(divided.part("train"), recipe.split.fraction or 1, recipe.seed)
    return training, divided.part("valid")


def divide(samples: Samples, recipe: Recipe) -> Samples:
    """Return samples with the splits that a training by the recipe gives them, where they have none of their own.

    Samples without "valid" give some of "train"; what they hold out for testing stays so.

    Raises:
        ValueError: As in `parts`.
    """
    wanted = {name: share for name, share in recipe.split.items() if name in ("valid", "test")}
    if not any(samples.splits):
        return _join(samples.split(**wanted, seed=recipe.seed))
    if "train" not in samples.splits:
        raise ValueError(
            f"The data has the parts {sorted(set(samples.splits))}, but training needs 'train'. "
            "Give a folder with it, or data without parts, which is then split as the recipe says."
        )
    if "valid" in samples.splits:
        return samples
    others = samples[np.array(samples.splits) != "train"]
    return _join((*samples.part("train").split(valid=wanted.get("valid", 0.2), seed=recipe.seed), others))


def _join(divided: tuple[Samples, ...]) -> Samples:
    first, *rest = divided
    return sum(rest, first)


def read_part(source: str | os.PathLike, split: str | None, recipe: Recipe) -> Samples:
    """Read a data set, or the part of it that a training by a recipe takes or leaves under this name.

    Args:
        source: What `medzoo.data.read` takes.
        split: "train", "valid" or "test"; None for all rows.
        recipe: Divides data that names no splits, as its training does. A folder such as `data/test` is one part as a
            whole, and so is data of which the recipe makes no part of this name: `split` is then its name only.

    Raises:
        FileNotFoundError: There is no such data set.
        ValueError: The data has a fault, or no part of this name.

    Example:
        >>> model = medzoo.load("brain-tumor-unet")
        >>> medzoo.evaluate(model, read_part("brain_tumor_coco", "test", model.recipe))
    """
    samples = data.read(source)
    if split is None:
        return samples
    if not any(samples.splits):
        if split_named_by(source) or (split == "test" and not recipe.split.get("test")):
            return samples
        samples = divide(samples, recipe)
    elif split == "valid" and "train" in samples.splits:
        samples = divide(samples, recipe)
    return samples.part(split)


def split_named_by(source: str | os.PathLike) -> str | None:
    """Return the split that a folder is named after; None for any other data set.

    Example:
        >>> split_named_by("data/test"), split_named_by("data")
        ('test', None)
    """
    name = Path(split_options(source)[0]).stem
    return name if name in SPLITS else None


def prepare_for(recipe: Recipe, samples: Samples, path: str | os.PathLike) -> Packing:
    """Pack a data set for the training by a recipe: with its preprocessing, its jitter of slices and its intensities.

    Args:
        recipe: What will be trained.
        samples: The whole data set; only its training part is measured.
        path: The file, with the suffix .h5.

    Raises:
        ValueError: As of `medzoo.data.prepare`.

    Example:
        >>> prepare_for(recipe, medzoo.data.read("brain_tumor_coco"), "brain.h5")
    """
    preprocessing = recipe.preprocessing
    if preprocessing.normalization == DATASET:
        preprocessing = fit_preprocessing(preprocessing, parts(samples, recipe)[0])
    return prepare(samples, preprocessing, recipe.task, path, recipe.augmentation.get("slice_jitter", 0))
