"""Which images a training holds out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medzoo.recipe.part import Part
from medzoo.recipe.values import NOTHING, Value, either, number

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
