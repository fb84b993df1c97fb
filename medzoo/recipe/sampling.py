"""Which images a training learns from, and what it does about rare labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from medzoo.recipe.part import Part
from medzoo.recipe.values import NOTHING, Value, either, number, one_of
from medzoo.task import Task

_HELD_OUT, _USED = either(number(0, 1, ")"), NOTHING), either(number(0, 1, "("), NOTHING)


@dataclass(frozen=True, eq=False)
class Split(Part):
    """Fractions of images to hold out where the data brings no split, and how much of the rest to learn from.

    Args:
        valid: Fraction to validate on; where the data names a training part only, None stands for 0.2.
        test: Fraction to test on.
        fraction: Fraction of the training images to use; None for all.

    Raises:
        ValueError: A fraction is out of its range, or those to hold out leave nothing.

    Example:
        >>> Split(valid=0.2, test=0.1).to_json()
        {'valid': 0.2, 'test': 0.1}
    """

    valid: float | None = None
    test: float | None = None
    fraction: float | None = None

    FIELD = "split"
    VALUES: ClassVar[Mapping[str, Value]] = {
        "valid": _HELD_OUT,
        "test": _HELD_OUT,
        "fraction": _USED,
    }

    def __post_init__(self) -> None:
        """Refuse fractions that leave nothing to learn from."""
        super().__post_init__()
        if (self.valid or 0) + (self.test or 0) >= 1:
            raise ValueError(
                f"Recipe field `split` must leave images to train on, so `valid` and `test` must sum to less than 1. "
                f"Received: valid={self.valid}, test={self.test}."
            )


BALANCED = "balanced"
_WEIGHT = number(0)
_BY_LABEL = Value(
    "numbers of at least 0 by label",
    lambda value: isinstance(value, Mapping) and all(map(_WEIGHT.accepts, value.values())),
    {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
)
_IN_ORDER = Value(
    "a list of them in the order of the labels",
    lambda value: isinstance(value, Sequence) and not isinstance(value, str) and all(map(_WEIGHT.accepts, value)),
    {"type": "array", "items": {"type": "number", "minimum": 0}},
)


@dataclass(frozen=True, eq=False)
class Balance(Part):
    """What is done about rare labels: they are drawn more often, or weigh more in the loss.

    Args:
        sampling: `"balanced"` draws all labels equally often; None draws images as they come.
        class_weights: `"balanced"` weights the loss by the frequency of labels; or weights by label, or in their order.

    Example:
        >>> Balance(class_weights={"benign": 1, "malignant": 3})["class_weights"]["malignant"]
        3
    """

    sampling: str | None = None
    class_weights: str | Mapping[str, float] | Sequence[float] | None = None

    FIELD = "balance"
    VALUES: ClassVar[Mapping[str, Value]] = {
        "sampling": either(one_of([BALANCED]), NOTHING),
        "class_weights": either(one_of([BALANCED]), _BY_LABEL, _IN_ORDER, NOTHING),
    }

    def check_task(self, task: Task) -> None:
        """Refuse sampling by label where images have none.

        Raises:
            ValueError: The task's targets are no labels of images.
        """
        if self.sampling and not task.is_categorical:
            raise ValueError(
                f"Balanced sampling draws labels of images; the task is {task.name}. "
                "Leave 'sampling' out of the recipe's `balance`."
            )
