"""Optimisers and learning-rate schedules by name: Keras's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import KerasTensor, ops

from medzoo.recipe import Recipe
from medzoo.recipe.values import registered

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
# A fit on a loaded model starts gently, or its first epoch destroys what the weights know.
FINE_TUNING_FACTOR = 0.1


def make_optimizer(
    recipe: Recipe,
    steps_per_epoch: int | None = None,
    first_epoch: int = 0,
    factors: Mapping[str, float] | None = None,
) -> keras.optimizers.Optimizer:
    """Make the optimiser of a recipe.

    Args:
        recipe: Names the optimiser and the schedule.
        steps_per_epoch: Batches in an epoch, for the schedule; None for fine-tuning, at a constant tenth of the rate.
        first_epoch: The epoch that it begins with, from 0, for the schedule.
        factors: Learning rate of each variable by its path, as a multiple of the recipe's; 1 for all others.

    Raises:
        ValueError: The optimiser or the schedule is unknown, or an argument does not fit.
    """
    chosen = recipe.optimizer
    rate: Any = chosen.learning_rate
    if steps_per_epoch is None:
        rate *= FINE_TUNING_FACTOR
    else:
        rate = _schedule(recipe, rate, steps_per_epoch, first_epoch)
    kind = registered(chosen.name) if chosen.is_registered else OPTIMIZERS[chosen.name]
    kind = _with_factors(kind, factors) if factors else kind
    arguments = {name: value for name, value in chosen.arguments.items() if name != "learning_rate"}
    try:
        return kind(learning_rate=rate, **arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The optimizer '{chosen.name}' does not take these arguments: {error}") from error


def _schedule(
    recipe: Recipe, rate: float, steps: int, first_epoch: int
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    # A plateau is seen between epochs, by a callback of the training.
    if recipe.schedule is None or recipe.schedule.name != "cosine":
        return rate
    warmup = recipe.schedule.warmup_epochs
    if warmup >= recipe.epochs:
        raise ValueError(f"`warmup_epochs` must be below the {recipe.epochs} epochs. Received: {warmup}.")
    decay = round((recipe.epochs - warmup) * steps)
    if warmup:
        cosine = keras.optimizers.schedules.CosineDecay(
            0.0, decay, warmup_target=rate, warmup_steps=round(warmup * steps)
        )
    else:
        cosine = keras.optimizers.schedules.CosineDecay(rate, decay)
    return Later(cosine, first_epoch * steps) if first_epoch else cosine


@keras.saving.register_keras_serializable("medzoo")
class Later(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule from one of its later steps on, for an optimiser that begins in the middle of a training.

    Args:
        schedule: The whole schedule.
        steps: Steps that are past already.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int):
        self.schedule, self.steps = schedule, steps

    def __call__(self, step: KerasTensor) -> KerasTensor:
        """Return the rate of a step."""
        return self.schedule(step + self.steps)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Later:
        """Make a schedule of its config."""
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["steps"])


def _with_factors(kind: type[keras.optimizers.Optimizer], factors: Mapping[str, float]) -> type:
    """Return an optimiser that changes some variables less than others.

    A step of all of these optimisers is proportional to the learning rate, their weight decay too; so a part of the
    step is the step at a part of the rate.
    """
    variables: list[Any] = []

    class WithFactors(kind):
        def build(self, var_list: list[Any]) -> None:
            variables[:] = var_list
            super().build(var_list)

        def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
            slow = [variable for variable in trainable_variables or variables if variable.path in factors]
            before = [ops.copy(variable) for variable in slow]
            super().apply(grads, trainable_variables)
            for variable, value in zip(slow, before, strict=True):
                variable.assign(value + factors[variable.path] * (variable - value))

    return WithFactors
