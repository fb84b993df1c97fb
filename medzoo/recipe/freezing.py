"""Which stages of the encoder learn when, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medzoo.recipe.part import Named
from medzoo.recipe.values import TEXT, Value, number, whole

_RATE = number(0, 1, "(")


@dataclass(frozen=True, eq=False)
class Freezing(Named):
    """A regime of training.

    `"full"` trains all weights from the first epoch on. `"frozen"` keeps the stages `until` one as they are, by default
    the whole encoder. `"gradual"` starts with a frozen encoder and unfreezes one stage more after `frozen_epochs`, and
    then every `stage_epochs`, from the deepest on, back to the stage `since`. With `rate_factor` each stage learns at
    that fraction of the rate of what follows it. While the whole encoder is frozen its features are computed once: of
    the images, or with `views` of so many augmented views of each, used in turn.

    Which stages there are only the network knows, so their names are checked when it is built.

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
        """Learning rate of a stage as a fraction of that of what follows it."""
        return self.arguments.get("rate_factor", 1)

    @property
    def views(self) -> int | None:
        """Number of augmented views whose features are computed; 0 for the images as they are, None where not said."""
        return self.arguments.get("views")
