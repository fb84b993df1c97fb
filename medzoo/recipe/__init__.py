"""All values that repeat a training, in typed parts, each checked when it is made."""

from medzoo.recipe.augmentation import Augmentation
from medzoo.recipe.balance import Balance
from medzoo.recipe.builder import CONVERTED, ESTIMATOR, Builder
from medzoo.recipe.freezing import Freezing
from medzoo.recipe.loss import Loss
from medzoo.recipe.optimizer import Optimizer, Schedule
from medzoo.recipe.recipe import Recipe
from medzoo.recipe.schema import schema
from medzoo.recipe.split import Split

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
