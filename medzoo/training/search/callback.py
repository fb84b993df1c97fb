"""What a trial tells the search after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras

from medzoo.errors import require

if TYPE_CHECKING:
    import optuna


class ReportEpoch(keras.callbacks.Callback):
    """Report the validation score of every epoch, and end a trial that is worse than most were at its epoch.

    Args:
        trial: Optuna's trial.
        monitor: Name of the validation score; higher is better.
        prune: Whether to end bad trials.
        show: Called after each epoch.
    """

    def __init__(self, trial: optuna.Trial, monitor: str, prune: bool, show: Callable[[], None]):
        super().__init__()
        self._trial, self._monitor, self._prune, self._show = trial, monitor, prune, show

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Report the epoch."""
        self._trial.report(float(logs[self._monitor]), epoch)
        self._show()
        if self._prune and self._trial.should_prune():
            raise require("optuna", "search").TrialPruned("worse than the median of the finished trials")
