"""Optimisers and learning-rate schedules by name: Keras's own."""

from __future__ import annotations

import keras

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.recipe import Recipe

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
SCHEDULES = ("cosine",)

# A fit on a loaded model starts gently, or its first epoch destroys what the weights know.
FINE_TUNING_FACTOR = 0.1


def make_optimizer(recipe: Recipe, steps_per_epoch: int | None = None) -> keras.optimizers.Optimizer:
    """Make the optimiser of a recipe.

    Args:
        recipe: Names the optimiser and the schedule.
        steps_per_epoch: Batches in an epoch, for the schedule; None for fine-tuning, at a constant tenth of the rate.

    Raises:
        ValueError: The optimiser or the schedule is unknown, or an argument does not fit.
    """
    arguments = dict(recipe.optimizer)
    name = arguments.pop("name")
    if name not in OPTIMIZERS:
        raise unknown_name("optimizer", name, OPTIMIZERS)
    rate = arguments.pop("learning_rate", 1e-3)
    rate = rate * FINE_TUNING_FACTOR if steps_per_epoch is None else _schedule(recipe, rate, steps_per_epoch)
    try:
        return OPTIMIZERS[name](rate, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The optimizer '{name}' does not take these arguments: {error}") from error


def _schedule(recipe: Recipe, rate: float, steps: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    if recipe.schedule is None:
        return rate
    arguments = dict(recipe.schedule)
    name = arguments.pop("name", None)
    if name not in SCHEDULES:
        raise unknown_name("schedule", name, SCHEDULES)
    warmup = arguments.pop("warmup_epochs", 0)
    refuse_unknown("field of the schedule", arguments, ("name", "warmup_epochs"))
    if warmup >= recipe.epochs:
        raise ValueError(f"`warmup_epochs` must be below the {recipe.epochs} epochs. Received: {warmup}.")
    decay = round((recipe.epochs - warmup) * steps)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(rate, decay)
    return keras.optimizers.schedules.CosineDecay(0.0, decay, warmup_target=rate, warmup_steps=round(warmup * steps))
