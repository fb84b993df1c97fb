"""All values that repeat a training, in typed parts, each checked when it is made."""

from medzoo.recipe.augmentation import Augmentation
from medzoo.recipe.builder import CONVERTED, ESTIMATOR, Builder
from medzoo.recipe.learning import Freezing, Loss, Optimizer, Schedule
from medzoo.recipe.recipe import Recipe
from medzoo.recipe.sampling import Balance, Split
from medzoo.recipe.schema import schema

__all__ = [
    "CONVERTED",
    "ESTIMATOR",
    "Augmentation",
    "Balance",
    "Builder",
    "Freezing",
    "Loss",
    "Optimizer",
    "Recipe",
    "Schedule",
    "Split",
    "schema",
]
