"""The recipe of a file, or of a model by its name."""

from __future__ import annotations

import os
from pathlib import Path

from medzoo.recipe import Recipe
from medzoo.zoo.find import find_entry


def load_recipe(name: str | os.PathLike) -> Recipe:
    """Read a recipe file, or the recipe of a zoo entry, of a run, or of a model on the Hub.

    Args:
        name: Path of a recipe.json, or what `medzoo.load` takes.

    Raises:
        FileNotFoundError: There is no such file or repository.
        ValueError: The file is no recipe, or there is no model of this name.

    Example:
        >>> load_recipe("brain-tumor-unet").batch_size
        16
    """
    path = Path(name)
    return Recipe.load(path if path.suffix == ".json" else find_entry(name, engine=None) / "recipe.json")
