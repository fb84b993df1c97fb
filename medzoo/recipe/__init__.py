"""All values that repeat a training, in typed parts."""

from medzoo.recipe.recipe import CONVERTED, ESTIMATOR, Recipe

__all__ = ["CONVERTED", "ESTIMATOR", "Recipe"]
