"""The optimiser and its learning rate over the epochs, with the names and arguments of Keras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medzoo.recipe.part import Named
from medzoo.recipe.values import FLAG, NOTHING, Value, either, number, whole

_DECAY = number(0, 1, ")")
_BOUND = either(number(0, open_ends="("), NOTHING)
# What every optimiser of Keras takes.
_ALL: dict[str, Value] = {
    "learning_rate": number(0, open_ends="("),
    "weight_decay": either(number(0), NOTHING),
    "clipnorm": _BOUND,
    "clipvalue": _BOUND,
    "global_clipnorm": _BOUND,
    "use_ema": FLAG,
    "ema_momentum": number(0, 1),
    "ema_overwrite_frequency": either(whole(1), NOTHING),
    "loss_scale_factor": _BOUND,
    "gradient_accumulation_steps": either(whole(2), NOTHING),
}
_ADAM = {"beta_1": _DECAY, "beta_2": _DECAY, "epsilon": number(0, open_ends="("), "amsgrad": FLAG}


@dataclass(frozen=True, eq=False)
class Optimizer(Named):
    """An optimiser of Keras with its arguments, or a user's own under its registered name.

    Example:
        >>> Optimizer("sgd", {"learning_rate": 0.01, "momentum": 0.9}).learning_rate
        0.01
    """

    FIELD = "optimizer"
    TAKES_REGISTERED = True
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]] = {
        "adam": _ALL | _ADAM,
        "adamw": _ALL | _ADAM,
        "sgd": _ALL | {"momentum": number(0, 1), "nesterov": FLAG},
    }

    def __post_init__(self) -> None:
        """Refuse arguments that are out of their range, the rate of a user's own class too."""
        super().__post_init__()
        _ALL["learning_rate"].check("optimizer.learning_rate", self.learning_rate)

    @property
    def learning_rate(self) -> float:
        """The rate that the schedule begins with, 0.001 by default."""
        return self.arguments.get("learning_rate", 1e-3)


@dataclass(frozen=True, eq=False)
class Schedule(Named):
    """How the learning rate changes: `"constant"`, `"cosine"` with a warm-up, or `"plateau"` as ReduceLROnPlateau.

    Example:
        >>> Schedule("cosine", {"warmup_epochs": 1}).warmup_epochs
        1
    """

    FIELD = "schedule"
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]] = {
        "constant": {},
        "cosine": {"warmup_epochs": number(0)},
        "plateau": {
            "factor": number(0, 1, "()"),
            "patience": whole(0),
            "min_delta": number(0),
            "cooldown": whole(0),
            "min_lr": number(0),
        },
    }

    @property
    def warmup_epochs(self) -> float:
        """Epochs in which the rate rises from 0."""
        return self.arguments.get("warmup_epochs", 0)
