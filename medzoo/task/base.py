"""What a task must say, so that nothing above asks for its name, and what tasks with labels have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from medzoo.errors import printable

# Masks are uint8.
_MOST_LABELS = 256


class Task(Protocol):
    """What a model answers, and how targets are encoded for its network: a frozen dataclass.

    What else differs by task stands in one module a task of `inference`, `evaluation` and `evaluation/plots`, and in
    one table by `name` in each of them. All others ask the task.

    Attributes:
        name: Its name in records and tables.
        pipeline_tag: The nearest tag of the Hub.
        default_loss: Name of the loss where a recipe names none; None where nothing can be trained.
        losses: Names of the losses that fit.
        default_metrics: Names of the metrics of training.
        metrics: Names of all metrics that fit.
        monitor: Metric of an epoch that says which one is best; "" where nothing can be trained.
        main_score: Score of an evaluation that models are ordered by; None without scores.
        usage: What a reader of the card does with an answer; "" where there is none.
        is_dense: Whether every pixel is answered, so that targets are masks.
        is_categorical: Whether an image as a whole has one of `labels`.
        target_dtype: Type of what `encode` returns.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    name: ClassVar[str]
    pipeline_tag: ClassVar[str]
    default_loss: ClassVar[str | None]
    losses: ClassVar[tuple[str, ...]]
    default_metrics: ClassVar[tuple[str, ...]]
    metrics: ClassVar[tuple[str, ...]]
    monitor: ClassVar[str]
    main_score: ClassVar[str | None]
    usage: ClassVar[str]
    is_dense: ClassVar[bool]
    is_categorical: ClassVar[bool]
    target_dtype: ClassVar[type[np.generic]]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels in the order of their index; of a number its own name."""
        ...

    @property
    def outputs(self) -> int:
        """Number of outputs of the network for an image or a pixel."""
        ...

    @property
    def activation(self) -> str:
        """Activation of the output layer."""
        ...

    @property
    def threshold(self) -> float | None:
        """Probability from which on the second of two labels counts; None where nothing is decided."""
        ...

    @property
    def is_binary(self) -> bool:
        """Whether one output decides between two labels."""
        return False

    @property
    def unit(self) -> str | None:
        """Unit of the answer, if it has one."""
        return None

    def encode(self, values: Any) -> np.ndarray:
        """Encode the targets of samples for the network, in `target_dtype` and the same shape."""
        return np.asarray(values).astype(self.target_dtype, copy=False)

    def fit(self, targets: Sequence[Any]) -> Self:
        """Return the task with what it learns from the targets of the training part."""
        return self

    def uncalibrated(self) -> Self:
        """Return the task without what was fitted to the probabilities of one network."""
        return self

    def check_labels(self, labels: tuple[str, ...]) -> None:
        """Refuse the labels of a data set that cannot be those of this task.

        Raises:
            ValueError: They cannot; the message says how to change them.
        """
        ...

    def merges_foreground(self, labels: tuple[str, ...]) -> bool:
        """Say whether every label index above 0 of a data set with these labels counts as 1."""
        return False

    def with_labels(self, labels: int | Sequence[str]) -> Task | None:
        """Return the task of the same network with a new head for `labels`; None where a head cannot answer labels.

        Args:
            labels: Names in the order of their index, or how many to number.
        """
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        ...


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
        refuse_controls("labels", self.labels)
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
        # A lone text is one label, and so refused, instead of becoming its letters.
        return type(self)((labels,) if isinstance(labels, str) else tuple(labels))

    def to_json(self) -> dict[str, Any]:
        """Return the values that `task_from_json` reads back."""
        return {"type": self.name, **asdict(self), "labels": list(self.labels)}


def refuse_controls(argument: str, names: Iterable[str | None]) -> None:
    """Refuse names with characters that a terminal obeys, since answers, tables and figures show them.

    Raises:
        ValueError: There is such a name.
    """
    for name in names:
        # Joiners shape letters of some scripts.
        text = str(name or "").replace("\u200c", "").replace("\u200d", "")
        if text != printable(text, lines=True):
            raise ValueError(f"`{argument}` must have no control characters. Received: {name!a}. Rename it.")


def are_names(labels: Any) -> bool:
    """Return whether `labels` lists 2 to 256 different texts; a lone text, which is a list of letters, does not."""
    if not isinstance(labels, (tuple, list)) or not 2 <= len(labels) <= _MOST_LABELS:
        return False
    return all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)
