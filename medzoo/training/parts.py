"""Which images a training learns from, and which it is judged by."""

from __future__ import annotations

import numpy as np

from medzoo.data import Samples, fraction
from medzoo.errors import refuse_unknown
from medzoo.recipe import Recipe

FIELDS = ("valid", "test", "fraction")


def parts(samples: Samples, recipe: Recipe) -> tuple[Samples, Samples]:
    """Return the training and the validation part, as the samples say or else as the recipe does.

    Raises:
        ValueError: The samples name splits, but "train" is not among them; or a field of the recipe's `split` is wrong.
    """
    divided = divide(samples, recipe)
    training = fraction(divided.part("train"), recipe.split.get("fraction", 1), recipe.seed)
    return training, divided.part("valid")


def divide(samples: Samples, recipe: Recipe) -> Samples:
    """Return samples with the splits that a training by the recipe gives them, where they have none of their own.

    Samples without "valid" give some of "train"; what they hold out for testing stays so.

    Raises:
        ValueError: As in `parts`.
    """
    refuse_unknown("field of the split", recipe.split, FIELDS)
    wanted = {name: recipe.split[name] for name in ("valid", "test") if name in recipe.split}
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
