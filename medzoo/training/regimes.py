"""Which stages of the encoder learn in which epochs, and how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medzoo.errors import refuse_unknown
from medzoo.recipe import Freezing, Recipe


@dataclass(frozen=True)
class Phase:
    """Epochs of a training in which the same stages learn.

    Args:
        first: Its first epoch, from 0.
        end: The epoch after its last one.
        frozen: Names of the stages that do not learn.
    """

    first: int
    end: int
    frozen: tuple[str, ...] = ()


def phases(recipe: Recipe, stages: Sequence[str]) -> list[Phase]:
    """Return the phases of a training, in their order.

    Args:
        recipe: Its `freezing` names the regime.
        stages: Stages of the network's encoder in the order of `medzoo.stages`.

    Raises:
        ValueError: The regime, a field or a stage is unknown, or the epochs are too few for all stages.

    Example:
        >>> recipe = replace(recipe, epochs=9, freezing={"name": "gradual", "frozen_epochs": 4, "stage_epochs": 2})
        >>> [(phase.first, phase.frozen) for phase in phases(recipe, ["stem", "stage_1"])]
        [(0, ('stem', 'stage_1')), (4, ('stem',)), (6, ())]
    """
    freezing = _checked(recipe, stages)
    if freezing.name == "full":
        return [Phase(0, recipe.epochs)]
    if freezing.name == "frozen":
        until = freezing.arguments.get("until", stages[-1])
        return [Phase(0, recipe.epochs, tuple(stages[: stages.index(until) + 1]))]
    since = stages.index(freezing.arguments.get("since", stages[0]))
    # First all stages are frozen, then one fewer in each phase.
    counts = range(len(stages), since - 1, -1)
    starts = [0, *(freezing.frozen_epochs + freezing.stage_epochs * number for number in range(len(counts) - 1))]
    _refuse_too_long(recipe, starts[-1], stages[since])
    ends = [*starts[1:], recipe.epochs]
    bounds = zip(starts, ends, counts, strict=True)
    return [Phase(start, end, tuple(stages[:count])) for start, end, count in bounds]


def rate_factors(recipe: Recipe, stages: Sequence[str]) -> dict[str, float]:
    """Return the factors of the learning rate of the stages; none for equal rates.

    The deepest stage learns at `rate_factor` times the rate of the recipe, the one before it at the square of that, ...

    Source: Howard and Ruder, "Universal language model fine-tuning", 2018 (arXiv 1801.06146): different rates, and
    unfreezing of one stage after the other.
    """
    factor = _checked(recipe, stages).rate_factor
    return {} if factor == 1 else {stage: factor**depth for depth, stage in enumerate(reversed(stages), 1)}


def cached_views(recipe: Recipe) -> int | None:
    """Return the number of augmented views of each image whose features are kept while the encoder is frozen.

    Returns:
        0 for features of the image itself; None if the encoder has to see the images of every epoch.
    """
    views = recipe.freezing.views if recipe.freezing else None
    return views if views is not None else None if recipe.augmentation else 0


def _checked(recipe: Recipe, stages: Sequence[str]) -> Freezing:
    """Return the regime of a recipe, after a check of its stages."""
    freezing = recipe.freezing or Freezing("full")
    if recipe.freezing and not stages:
        raise ValueError(
            f"The network of '{recipe.name}' has no encoder with stages. Leave the recipe's `freezing` out."
        )
    refuse_unknown("stage", [freezing.arguments[name] for name in ("until", "since") if name in freezing], stages)
    return freezing


def _refuse_too_long(recipe: Recipe, start: int, stage: str) -> None:
    if start >= recipe.epochs:
        raise ValueError(
            f"The schedule is longer than the training: the stage '{stage}' is unfrozen after {start} epochs, the "
            f"recipe has {recipe.epochs}. Set more `epochs`, fewer `frozen_epochs` or `stage_epochs`, or a later stage."
        )
