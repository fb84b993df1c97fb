"""The models of all folds as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from medzoo.models.ensemble import MEMBER
from medzoo.recipe import Recipe
from medzoo.zoo_model import ZooModel


def make_ensemble(recipe: Recipe, models: Iterable[ZooModel], count: int) -> ZooModel:
    """Give the members of an ensemble the weights of models, one after the other.

    Args:
        recipe: Recipe of the models.
        models: The models; only one of them needs to be in memory at a time.
        count: Number of the models.

    Returns:
        The model whose answer is the mean of theirs, compiled for fine-tuning.
    """
    ensemble = ZooModel.from_recipe(ensemble_recipe(recipe, count))
    for number, model in enumerate(models, 1):
        ensemble.get_layer(MEMBER.format(number)).set_weights(model.get_weights())
    ensemble.compile_from_recipe()
    return ensemble


def ensemble_recipe(recipe: Recipe, count: int) -> Recipe:
    """Return the recipe of an ensemble of so many models of a recipe."""
    builder = {"name": "ensemble", "members": count, "of": recipe.builder}
    return replace(recipe, name=f"{recipe.name}-ensemble", builder=builder, expected={})
