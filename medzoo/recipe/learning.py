"""How the weights learn: by which loss and optimiser, at which rate over the epochs, and which stages when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from medzoo.recipe.part import Named
from medzoo.recipe.values import FLAG, NOTHING, TEXT, Value, either, number, whole

METRICS = ("accuracy", "auc", "balanced_accuracy", "dice", "mae", "pixel_accuracy", "r2")
# Those of which more is better.
MONITORS = tuple(name for name in METRICS if name != "mae")

_SMOOTHING, _GAMMA = number(0, 1, ")"), number(0)


@dataclass(frozen=True, eq=False)
class Loss(Named):
    """A loss with its arguments, or a user's own under its registered name.

    Example:
        >>> Loss("focal", {"gamma": 2}).to_json()
        {'name': 'focal', 'gamma': 2}
    """

    FIELD = "loss"
    TAKES_REGISTERED = True
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]] = {
        "crossentropy": {"label_smoothing": _SMOOTHING, "gamma": _GAMMA},
        "dice_crossentropy": {"smoothing": number(0)},
        "focal": {"label_smoothing": _SMOOTHING, "gamma": _GAMMA},
        "huber": {"delta": number(0, open_ends="(")},
        "mae": {},
        "mse": {},
    }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Make the loss of its JSON form, which may be its name alone.

        Raises:
            ValueError: It has no name, or the name or an argument is unknown.
        """
        return cls(value) if isinstance(value, str) else super().from_json(value)


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


_RATE = number(0, 1, "(")


@dataclass(frozen=True, eq=False)
class Freezing(Named):
    """A regime of training.

    `"full"` trains all weights from the first epoch on. `"frozen"` keeps the stages `until` one as they are, by default
    the whole encoder. `"gradual"` starts with a frozen encoder and unfreezes one stage more after `frozen_epochs`, and
    then every `stage_epochs`, from the deepest on, back to the stage `since`. With `rate_factor` each stage learns at
    that fraction of the rate of the stage after it. While the whole encoder is frozen, its features are computed once:
    those of the images, or with `views` those of that many augmented views of each image, which are used in turn.

    The names of stages are checked when the network is built, since only the network knows them.

    Example:
        >>> Freezing("gradual", {"frozen_epochs": 5}).frozen_epochs
        5
    """

    FIELD = "freezing"
    NAMES: ClassVar[Mapping[str, Mapping[str, Value] | None]] = {
        "full": {"rate_factor": _RATE},
        "frozen": {"until": TEXT, "views": whole(0)},
        "gradual": {
            "frozen_epochs": whole(1),
            "stage_epochs": whole(1),
            "since": TEXT,
            "rate_factor": _RATE,
            "views": whole(0),
        },
    }

    @property
    def frozen_epochs(self) -> int:
        """Epochs with a frozen encoder, before the first stage is unfrozen."""
        return self.arguments.get("frozen_epochs", 1)

    @property
    def stage_epochs(self) -> int:
        """Epochs until one stage more is unfrozen."""
        return self.arguments.get("stage_epochs", 1)

    @property
    def rate_factor(self) -> float:
        """Learning rate of a stage as a fraction of that of the stage after it."""
        return self.arguments.get("rate_factor", 1)

    @property
    def views(self) -> int | None:
        """Number of augmented views whose features are computed; 0 for the images as they are, None if not set."""
        return self.arguments.get("views")
