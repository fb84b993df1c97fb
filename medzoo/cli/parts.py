"""The recipe, and the part of a data set, that a command is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.recipe import Recipe


def load_recipe(name: str) -> Recipe:
    """Read a recipe file, or the recipe of a zoo entry, of a run, or of a model on the Hub.

    Raises:
        FileNotFoundError: There is no such file or repository.
        ValueError: The file is no recipe, or there is no model of this name.
    """
    from medzoo.recipe import Recipe
    from medzoo.zoo.find import find_entry

    path = Path(name)
    return Recipe.load(path if path.suffix == ".json" else find_entry(name, engine=None) / "recipe.json")


def read_part(data: str, split: str | None, recipe: Recipe) -> Samples:
    """Read a data set, or one part of it.

    Args:
        data: What `medzoo.data.read` takes.
        split: "train", "valid" or "test"; None for all rows.
        recipe: Divides data that names no splits, as its training does. A folder such as `data/test` is one part as a
            whole, and so is data of which the recipe makes no part of this name: `split` is then its name only.
    """
    from medzoo.data import read
    from medzoo.training.train import divide

    samples = read(data)
    if split is None:
        return samples
    if not any(samples.splits):
        if split_named_by(data) or (split == "test" and not recipe.split.get("test")):
            return samples
        samples = divide(samples, recipe)
    elif split == "valid" and "train" in samples.splits:
        samples = divide(samples, recipe)
    return samples.part(split)


def split_named_by(data: str) -> str | None:
    """Return the split that a folder such as `data/test` is named after."""
    from medzoo.data.samples import SPLITS
    from medzoo.data.sources.read import split_options

    name = Path(split_options(data)[0]).stem
    return name if name in SPLITS else None
