"""The loss and further metrics of a training, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medzoo.recipe.part import Named
from medzoo.recipe.values import Value, number

_SMOOTHING, _GAMMA = number(0, 1, ")"), number(0)
METRICS = ("accuracy", "balanced_accuracy", "dice", "mae", "pixel_accuracy", "r2")


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
