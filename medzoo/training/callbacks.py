"""What happens between the epochs of a run."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import Any

import keras

from medzoo.errors import DivergenceError
from medzoo.io.files import atomic_file
from medzoo.training.checkpoints import Checkpoints


class SaveEpoch(keras.callbacks.Callback):
    """Write a checkpoint and `history.csv` after every epoch.

    The table is written anew from the history of the checkpoint, so that a resumed run has no row twice.

    Args:
        checkpoints: Where the epochs go.
        table: Path of `history.csv`.
        history: Logs of the epochs before this start.
    """

    def __init__(self, checkpoints: Checkpoints, table: Path, history: list[dict[str, Any]]):
        super().__init__()
        self._checkpoints = checkpoints
        self._table = table
        self._history = list(history)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch."""
        scores = {name: float(value) for name, value in (logs or {}).items()}
        scores["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        scores["seconds"] = round(time.perf_counter() - self._start, 2)
        self._history.append({"epoch": epoch + 1, **scores})
        self._checkpoints.write(self.model, self._history)
        write_table(self._table, self._history)


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras's early stopping, which goes on counting where a killed run stood.

    Args:
        monitor: Name of the validation score; higher is better.
        patience: Epochs without a better score after which training stops.
        history: Logs of the epochs before this start.
        verbose: 1 to say so when training stops, 0 to stay silent.
    """

    def __init__(self, monitor: str, patience: int, history: list[dict[str, Any]], verbose: int = 1):
        super().__init__(monitor=monitor, mode="max", patience=patience, verbose=verbose)
        self._scores = [row[monitor] for row in history if monitor in row]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take up the count."""
        super().on_train_begin(logs)
        if self._scores:
            self.best = max(self._scores)
            self.wait = len(self._scores) - 1 - self._scores.index(self.best)


class StopOnDivergence(keras.callbacks.Callback):
    """End the training as soon as a loss is not finite, before such weights are written anywhere."""

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self._checkpoints = checkpoints

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        self._check("loss", logs, f"batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the validation loss, which also sees what the last step did to the weights."""
        self._check("val_loss", logs, f"epoch {epoch + 1}")

    def _check(self, name: str, logs: dict[str, Any] | None, place: str) -> None:
        value = float((logs or {}).get(name, 0.0))
        if math.isfinite(value):
            return
        best = self._checkpoints.best
        folder = self._checkpoints.folder
        kept = f"the best weights, of epoch {best}, are kept in {folder}" if best else "no epoch was finished"
        raise DivergenceError(
            f"The {name} became {value} in {place}; {kept}. Lower the learning rate in the recipe, "
            'or set "clipnorm": 1.0 in its optimizer, and start a new run.'
        )


def write_table(path: Path, history: list[dict[str, Any]]) -> None:
    """Write the logs of a run as CSV, a row an epoch."""
    columns = list(dict.fromkeys(name for row in history for name in row))
    with atomic_file(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(history)
