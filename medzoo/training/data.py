"""The parts of a data set that the training, validation and test of a recipe take."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from medzoo import data
from medzoo.data import Samples, fit_preprocessing, fraction, prepare
from medzoo.data.feed.packing import Packing
from medzoo.data.samples import SPLITS
from medzoo.data.sources.read import split_options
from medzoo.io import ChannelImage
from medzoo.preprocessing import DATASET, Preprocessing
from medzoo.recipe import Recipe


def parts(samples: Samples, recipe: Recipe) -> tuple[Samples, Samples]:
    """Return the training and the validation part, divided by the splits of the samples, else by the recipe.

    Raises:
        ValueError: The samples name splits, but "train" is not among them; or a field of the recipe's `split` is wrong.
    """
    divided = divide(samples, recipe)
    training = fraction(divided.part("train"), recipe.split.fraction or 1, recipe.seed)
    return training, divided.part("valid")


def divide(samples: Samples, recipe: Recipe) -> Samples:
    """Return samples with splits: their own, else those that a training by the recipe gives them.

    For samples with "train" but without "valid" the latter is taken from the former; "test" stays as it is.

    Raises:
        ValueError: As in `parts`.
    """
    shares = {name: share for name, share in recipe.split.items() if name in ("valid", "test")}
    if not any(samples.splits):
        return _join(samples.split(**shares, seed=recipe.seed))
    if "train" not in samples.splits:
        raise ValueError(
            f"The data has the parts {sorted(set(samples.splits))}, but training needs 'train'. "
            "Give a folder with it, or data without parts, which is then split as the recipe says."
        )
    if "valid" in samples.splits:
        return samples
    others = samples[np.array(samples.splits) != "train"]
    return _join((*samples.part("train").split(valid=shares.get("valid", 0.2), seed=recipe.seed), others))


def _join(divided: tuple[Samples, ...]) -> Samples:
    first, *rest = divided
    return sum(rest, first)


def read_part(source: str | os.PathLike, split: str | None, recipe: Recipe) -> Samples:
    """Read a data set, or one part of it, divided as a training by the recipe divides it.

    Args:
        source: A data set, as for `medzoo.data.read`.
        split: "train", "valid" or "test"; None for all rows.
        recipe: Divides data without splits, as its training does. A folder such as `data/test` is one part, and so is
            data without splits if the recipe holds out no part of this name: `split` is then its name only.

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
    """Return the split that a data set is named after, such as `data/test`; None without one.

    Example:
        >>> split_named_by("data/test"), split_named_by("data")
        ('test', None)
    """
    name = Path(split_options(source)[0]).stem
    return name if name in SPLITS else None


def with_channel_names(preprocessing: Preprocessing, samples: Samples) -> Preprocessing:
    """Return the preprocessing with the names of the channels of the data, where it has none of its own.

    Raises:
        ValueError: The data has other channels than the recipe, or several.
    """
    names = {image.names for image in samples.images if isinstance(image, ChannelImage)} - {()}
    if not names or preprocessing.channel_names or preprocessing.stack:
        return preprocessing
    if len(names) > 1:
        raise ValueError(f"The images have several channels: {sorted(names)}. Give all images the same.")
    channels = names.pop()
    if len(channels) != preprocessing.channels:
        raise ValueError(
            f"The images have the {len(channels)} channels {', '.join(channels)}; the recipe takes "
            f"{preprocessing.channels}. Set preprocessing.channels={len(channels)} in the recipe."
        )
    return replace(preprocessing, channel_names=channels)


def prepare_for(recipe: Recipe, samples: Samples, path: str | os.PathLike) -> Packing:
    """Pack a data set for the training by a recipe: with its preprocessing, its jitter of slices and its intensities.

    Args:
        recipe: The recipe.
        samples: The whole data set; only its training part is measured.
        path: The file, with the suffix .h5.

    Raises:
        ValueError: As of `medzoo.data.prepare`.

    Example:
        >>> prepare_for(recipe, medzoo.data.read("brain_tumor_coco"), "brain.h5")
    """
    preprocessing = with_channel_names(recipe.preprocessing, samples)
    if preprocessing.normalization == DATASET:
        preprocessing = fit_preprocessing(preprocessing, parts(samples, recipe)[0])
    return prepare(samples, preprocessing, recipe.task, path, recipe.augmentation.get("slice_jitter", 0))
