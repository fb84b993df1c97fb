"""What happens between the epochs of a run."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import keras
import numpy as np

from medzoo.data.feed.order import Order
from medzoo.errors import DivergenceError
from medzoo.files import write_rows
from medzoo.graph.walk import flatten
from medzoo.progress import duration
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.history import best_epoch, best_score, scores_of, stale_epochs

# Epochs that predict the time left; those of a gradual unfreezing become slower.
RECENT = 5


class Progress(keras.callbacks.Callback):
    """Say after each epoch, in one line on stderr, how far the training is, its best score, and the time left at most.

    The time is that of an epoch times the epochs left; early stopping may end the training before.

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
        self._scores = scores_of(history, monitor)
        self._seconds: list[float] = []
        self._line: str | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self._say()
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Make the line of the epoch; it is printed later, since Keras finishes its own bar after this."""
        self._seconds.append(time.perf_counter() - self._start)
        if logs and self._monitor in logs:
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
    """Return the state of a training after an epoch, in one line.

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
    if best := best_epoch(scores):
        parts.append(f"Best {monitor} {scores[best]:.3f} in epoch {best}.")
    if epochs > epoch:
        parts.append(f"At most {duration(median(seconds[-RECENT:]) * (epochs - epoch))} left.")
    return " ".join(parts)


class BeginEpoch(keras.callbacks.Callback):
    """Make every epoch's random draws follow from the seed and the epoch, so that a resumed run makes the same ones.

    Args:
        order: Says which rows and seeds an epoch has.
        model: The model, for its dropout layers.
        seed: Seed of the recipe.
    """

    def __init__(self, order: Order, model: keras.Model, seed: int):
        super().__init__()
        self._order = order
        self._generators = [layer.seed_generator for layer in flatten(model) if hasattr(layer, "seed_generator")]
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the draws of the epoch."""
        self._order.pin(epoch)
        draw = np.random.default_rng([self._seed, epoch])
        if keras.backend.backend() == "torch":
            # There all dropout layers share one generator. On TensorFlow this would drop the compiled functions.
            keras.utils.set_random_seed(int(draw.integers(2**31)))
        for generator in self._generators:
            generator.state.assign(draw.integers(2**31, size=2).astype("uint32"))


class SaveEpoch(keras.callbacks.Callback):
    """Write a checkpoint and `history.csv` after every epoch.

    The table is written anew from the history of the checkpoint, so that a resumed run repeats no row.

    Args:
        checkpoints: Where the epochs go.
        table: Path of `history.csv`.
        history: Logs of the epochs so far, to which each is added.
        model: The whole model, also while only its head is fitted.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        table: Path,
        history: list[dict[str, Any]],
        model: keras.Model,
    ):
        super().__init__()
        self._checkpoints = checkpoints
        self._table = table
        self._history = history
        self._whole = model

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock of the epoch."""
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the epoch."""
        # Through `self.model`: on JAX this access brings the variables up to date.
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        scores = {name: float(value) for name, value in (logs or {}).items()}
        scores["learning_rate"] = rate
        scores["seconds"] = round(time.perf_counter() - self._start, 2)
        self._history.append({"epoch": epoch + 1, **scores})
        head = None if self.model is self._whole else self.model
        self._checkpoints.write(self._whole, self._history, head)
        write_rows(self._table, self._history)


class StopEarly(keras.callbacks.EarlyStopping):
    """Keras's early stopping, which goes on with the count of a killed run.

    Args:
        monitor: Name of the validation score; higher is better.
        patience: Epochs without a better score after which training stops.
        history: Logs of the epochs before this start.
        verbose: 1 to say when it stops the training, 0 to stay silent.
    """

    def __init__(self, monitor: str, patience: int, history: list[dict[str, Any]], verbose: int = 1):
        super().__init__(monitor=monitor, mode="max", patience=patience, verbose=verbose)
        self._past = history

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Take up the count."""
        super().on_train_begin(logs)
        self.best = best_score(self._past, self.monitor)
        self.wait = stale_epochs(self._past, self.monitor)


class LowerOnPlateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's reduction of the learning rate on a plateau of the validation loss, resumed from the history.

    Args:
        rate: Learning rate of the first epoch.
        history: Logs of the epochs before this start.
        **arguments: Keras's own.
    """

    def __init__(self, rate: float, history: list[dict[str, Any]], **arguments: Any):
        super().__init__(monitor="val_loss", **arguments)
        self._rate = rate
        self._past = history

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Lower the rate as often as in the epochs so far."""
        super().on_train_begin(logs)
        self.model.optimizer.learning_rate = self._rate
        for row in self._past:
            self.on_epoch_end(row["epoch"] - 1, dict(row))


class StopOnDivergence(keras.callbacks.Callback):
    """End the training as soon as a loss is not finite, before such weights are written anywhere."""

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self._checkpoints = checkpoints

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        self._check("loss", logs, f"batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the validation loss, which also shows what the last step did to the weights."""
        self._check("val_loss", logs, f"epoch {epoch + 1}")

    def _check(self, name: str, logs: dict[str, Any] | None, place: str) -> None:
        value = float((logs or {}).get(name, 0.0))
        if math.isfinite(value):
            return
        best = self._checkpoints.best
        folder = self._checkpoints.folder
        kept = f"the best weights, of epoch {best}, are kept in {folder}" if best else "no epoch was finished"
        raise DivergenceError(
            f"The {name} became {value} in {place}; {kept}. Lower the learning rate in the recipe, set its precision "
            'to "float32" if it is another, or set "clipnorm": 1.0 in its optimizer, and start a new run.'
        )
