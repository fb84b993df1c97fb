"""How long a training still takes."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import keras

from medzoo.training.runs import duration

# Epochs of a gradual unfreezing become slower, so that old ones say little.
RECENT = 5


class Progress(keras.callbacks.Callback):
    """Say after each epoch, in one line on stderr, how far the training is, its best score, and the time left.

    The time is that of an epoch times the epochs left: early stopping may come before, so it is what remains at most.

    Args:
        epochs: Epochs of the whole training, those before a resume included.
        monitor: Name of the validation score; higher is better.
        history: Logs of the epochs before this start.
        verbose: 0 to stay silent, as of `fit`.

    Example:
        >>> model.fit(data, epochs=40, callbacks=[Progress(40, "val_dice")])
        Epoch 3 of 40. Best val_dice 0.812 in epoch 2. At most 12 min left.
    """

    def __init__(self, epochs: int, monitor: str, history: Sequence[dict[str, Any]] = (), verbose: int | str = "auto"):
        super().__init__()
        self._epochs, self._monitor, self._silent = epochs, monitor, verbose in (0, "0")
        self._scores = {row["epoch"]: row[monitor] for row in history if row.get(monitor) is not None}
        self._seconds: list[float] = []
        self._line: str | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self._say()
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Make the line of the epoch; Keras's bar, which is drawn to its end after this, comes first."""
        self._seconds.append(time.perf_counter() - self._start)
        if self._monitor in (logs or {}):
            self._scores[epoch + 1] = float(logs[self._monitor])
        self._line = progress_line(epoch + 1, self._epochs, self._monitor, self._scores, self._seconds)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Say the last line."""
        self._say()

    def _say(self) -> None:
        if self._line and not self._silent:
            sys.stdout.flush()
            print(self._line, file=sys.stderr, flush=True)
        self._line = None


def progress_line(epoch: int, epochs: int, monitor: str, scores: dict[int, float], seconds: Sequence[float]) -> str:
    """Return what is known after an epoch, in one line.

    Args:
        epoch: The epoch that ended, the first being 1.
        epochs: Epochs at most.
        monitor: Name of the score.
        scores: Score by epoch; higher is better.
        seconds: Time of each epoch since the start of the process.

    Example:
        >>> progress_line(3, 40, "val_dice", {1: 0.7, 2: 0.812, 3: 0.8}, [30.0, 19.0, 20.0])
        'Epoch 3 of 40. Best val_dice 0.812 in epoch 2. At most 12 min left.'
    """
    parts = [f"Epoch {epoch} of {epochs}."]
    if scores:
        best = max(scores, key=lambda number: (scores[number], -number))
        parts.append(f"Best {monitor} {scores[best]:.3f} in epoch {best}.")
    if epochs > epoch:
        parts.append(f"At most {duration(median(seconds[-RECENT:]) * (epochs - epoch))} left.")
    return " ".join(parts)
