"""What tasks with labels have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from medzoo.task.base import Task

# Masks are uint8.
_MOST = 256


@dataclass(frozen=True)
class Labelled(Task):
    """A task that chooses among `labels`: of two by one sigmoid output and a threshold, of more by a softmax."""

    labels: tuple[str, ...] = ()
    threshold: float = 0.5

    # Name of the first label where they are numbered.
    _FIRST: ClassVar[str]

    def _check(self, order: str, example: tuple[str, ...]) -> None:
        if not are_names(self.labels):
            raise ValueError(
                f"`labels` must be 2 to 256 different names, {order}. "
                f"Received: labels={self.labels!r}. Write for example {example}."
            )
        object.__setattr__(self, "labels", tuple(self.labels))
        if not 0 < self.threshold < 1:
            raise ValueError(f"`threshold` must lie between 0 and 1. Received: threshold={self.threshold}.")

    @property
    def is_binary(self) -> bool:
        """Whether there are two labels."""
        return len(self.labels) == 2

    @property
    def outputs(self) -> int:
        """Number of outputs of the network for an image or a pixel."""
        return 1 if self.is_binary else len(self.labels)

    @property
    def activation(self) -> str:
        """Activation of the output layer."""
        return "sigmoid" if self.is_binary else "softmax"

    def with_labels(self, labels: int | Sequence[str]) -> Self:
        """Return a task of the same kind for other labels, with its default threshold.

        Raises:
            ValueError: There are fewer than two labels or more than 256, or a name stands twice.
        """
        if isinstance(labels, int):
            labels = [self._FIRST, *(f"label_{index}" for index in range(1, labels))]
        # A lone text must be refused, not become its letters.
        return type(self)(labels if isinstance(labels, str) else tuple(labels))

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        return {"type": self.name, **asdict(self), "labels": list(self.labels)}


def are_names(labels: Any) -> bool:
    """Return whether `labels` lists 2 to 256 different texts; a lone text does not, or each letter were a label."""
    if not isinstance(labels, (tuple, list)) or not 2 <= len(labels) <= _MOST:
        return False
    return all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)
