"""Checkpoints: a folder for each epoch, complete or absent; the latest and the best one are kept."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from medzoo.files import atomic_file, atomic_folder, read_json, write_json
from medzoo.graph.cut import split_frozen
from medzoo.graph.freezing import stages
from medzoo.training.history import best_epoch, scores_of

STATE, WEIGHTS, HEAD = "state.json", "model.weights.h5", "head.weights.h5"
# The whole model; while the encoder is frozen, the folders of the epochs hold only the head.
FROZEN = "frozen.weights.h5"


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of a run.

    A checkpoint is written under a temporary name and renamed, so that a kill at any moment leaves complete ones only.
    It holds the weights, with those of the optimiser as Keras writes them for a compiled model, and the history up to
    its epoch. The best one follows from these histories and is kept nowhere else.

    Args:
        folder: Where the epochs lie, as `epoch-0001`, `epoch-0002`, ...
        monitor: Name of the validation score in the history; higher is better.
    """

    folder: Path
    monitor: str

    def epochs(self) -> list[int]:
        """Return the numbers of the finished epochs on disk in rising order; the first epoch is 1."""
        folders = self.folder.glob("epoch-*") if self.folder.is_dir() else ()
        return sorted(int(path.name.removeprefix("epoch-")) for path in folders)

    @property
    def latest(self) -> int | None:
        """The last finished epoch."""
        return max(self.epochs(), default=None)

    @property
    def best(self) -> int | None:
        """The epoch on disk with the highest score, the earliest of equals."""
        return best_epoch({epoch: self.score(epoch) for epoch in self.epochs()})

    def history(self, epoch: int | None) -> list[dict[str, Any]]:
        """Return the logs of all epochs up to `epoch`, a dict each; none for None."""
        return read_json(self._path(epoch) / STATE)["history"] if epoch else []

    def score(self, epoch: int) -> float:
        """Return the validation score of an epoch, minus infinity if it has none."""
        return scores_of(self.history(epoch), self.monitor).get(epoch, -math.inf)

    def write(self, model: keras.Model, history: list[dict[str, Any]], head: keras.Model | None = None) -> None:
        """Write the epoch that ends `history`, then delete those that are neither the latest nor the best.

        Args:
            model: The whole model.
            history: Logs of all epochs so far.
            head: The part of it that was fitted, behind features of its frozen encoder; a large encoder is written
                once and not in every epoch.
        """
        epoch = len(history)
        if head is not None and not (self.folder / FROZEN).exists():
            with atomic_file(self.folder / FROZEN) as temporary:
                model.save_weights(temporary)
        with atomic_folder(self._path(epoch)) as folder:
            if head is None:
                model.save_weights(folder / WEIGHTS)
            else:
                head.save_weights(folder / HEAD)
            write_json(folder / STATE, {"epoch": epoch, "history": history})
        keep = {self.latest, self.best}
        for other in set(self.epochs()) - keep:
            # Renamed first, so that a kill leaves no half of a checkpoint under its name.
            os.replace(self._path(other), self.folder / f".{self._path(other).name}-old")
        self.clean()

    def clean(self) -> None:
        """Delete the checkpoints that are no longer needed, and what a kill left half-written."""
        for path in self.folder.glob(".epoch-*"):
            shutil.rmtree(path, ignore_errors=True)

    def restore(self, fitted: keras.Model, epoch: int) -> None:
        """Give the compiled model, or its head, the weights and the state of the optimiser of an epoch."""
        if not fitted.optimizer.built:
            # Keras loads the variables of a built optimiser only, and skips those of another with a warning.
            fitted.optimizer.build(fitted.trainable_variables)
        head = self._path(epoch) / HEAD
        fitted.load_weights(head if head.exists() else self._path(epoch) / WEIGHTS)

    def load_weights(self, model: keras.Model, epoch: int) -> None:
        """Give the whole `model` the weights of an epoch.

        Raises:
            ValueError: The epoch holds a head only, and the network has none: another version of medzoo wrote it.
        """
        path = self._path(epoch)
        if not (path / HEAD).exists():
            model.load_weights(path / WEIGHTS)
            return
        model.load_weights(self.folder / FROZEN)
        cut = split_frozen(model, stages(model))
        if cut is None:
            raise ValueError(f"{path} holds the head of another network. Choose a new folder for the training.")
        cut[1].load_weights(path / HEAD)

    def _path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}"
