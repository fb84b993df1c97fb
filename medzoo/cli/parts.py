"""The recipe that a command is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medzoo.recipe import Recipe


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its path or by the name of a model, when a command runs."""
    from medzoo.zoo import recipe

    return recipe.load_recipe(name)
