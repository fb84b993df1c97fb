"""`run.json`, the record of a run in its folder: its data, machine, time and energy, and how it stands."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras

from medzoo.data import Samples
from medzoo.evaluation.record import loaded_versions
from medzoo.files import read_json, write_json
from medzoo.recipe import Recipe
from medzoo.training.history import best_epoch, best_score, read_history, scores_of
from medzoo.training.machine import Energy, git_state, machine, peak_memory, policy_of
from medzoo.training.runs import FINISHED, KILLED, RUN, RUNNING


@contextlib.contextmanager
def track(
    run: str | os.PathLike, recipe: Recipe, samples: Samples, fingerprint: Mapping[str, Any] | None = None
) -> Iterator[Record]:
    """Keep the `run.json` of a run while the block trains: it is written at the start, after every epoch, at the end.

    A resumed run goes on with the file of its folder: every start adds a row to `sessions`, and seconds and joules are
    sums of theirs. The row of a killed session says "running" until the next start; `medzoo runs` looks whether its
    process lives.

    Args:
        run: Folder of the run, with or without the `history.csv` that `train` writes there.
        recipe: What is trained.
        samples: The data, with its splits. Its images and patients are counted, not named.
        fingerprint: What tells the data from other data.

    Yields:
        The record, whose `callback` `fit` must call after the one that writes `history.csv`.

    Example:
        >>> with track(run, recipe, samples) as record:
        ...     model.fit(data, callbacks=[save_epoch, record.callback])
    """
    record = Record(Path(run), recipe, samples, fingerprint)
    record.write()
    try:
        yield record
    except BaseException as error:
        # A full disk may be what ended the run; its own error is the one to show.
        with contextlib.suppress(OSError):
            record.write(*_end(error))
        raise
    record.write(FINISHED)


class Record:
    """The `run.json` of one run; `track` makes it.

    Attributes:
        callback: Keras callback that writes the file after every epoch.
    """

    def __init__(self, run: Path, recipe: Recipe, samples: Samples, fingerprint: Mapping[str, Any] | None = None):
        self._run, self._recipe, self._data = run, recipe, _counts(samples)
        self._fingerprint = fingerprint
        path = run / RUN
        self._earlier = [_ended(session) for session in read_json(path)["sessions"]] if path.exists() else []
        self._energy, self._start = Energy(), time.perf_counter()
        self._first = len(read_history(run))
        self._session = {
            "started": _now(),
            "host": platform.node(),
            "pid": os.getpid(),
            "command": shlex.join(sys.argv),
            "git": git_state(),
            "versions": loaded_versions(),
            "hardware": machine(),
            "precision": policy_of(recipe),
        }
        self.callback = _WriteEpoch(self)

    def write(self, status: str = RUNNING, reason: str | None = None) -> None:
        """Write the file."""
        history = read_history(self._run)
        if self._adds_nothing(history):
            return
        session = {"status": status, "reason": reason, **self._session, **self._spent(history)}
        sessions = [*self._earlier, session]
        write_json(
            self._run / RUN,
            {
                "name": self._recipe.name,
                "task": self._recipe.task.name,
                "status": status,
                "reason": reason,
                **_best(history, self._recipe.validation_score),
                "epochs": len(history),
                "epochs_at_most": self._recipe.epochs,
                "date": _now(),
                "seconds": round(sum(row["seconds"] for row in sessions), 1),
                "energy_joules": _sum(row["energy_joules"] for row in sessions),
                "peak_memory": max((row["peak_memory"] or 0 for row in sessions), default=0) or None,
                "data": self._data,
                "fingerprint": self._fingerprint,
                "sessions": sessions,
            },
        )

    def _adds_nothing(self, history: list[dict[str, float]]) -> bool:
        """Return whether the run was finished before this start, which only loads its model."""
        return len(history) == self._first and bool(self._earlier) and self._earlier[-1]["status"] == FINISHED

    def _spent(self, history: list[dict[str, float]]) -> dict[str, Any]:
        return {
            "epochs": max(len(history) - self._first, 0),
            "seconds": round(time.perf_counter() - self._start, 1),
            "energy_joules": self._energy.read(),
            "peak_memory": peak_memory(),
        }

    def keep_up(self) -> None:
        """Read the counters of energy, which overflow in a long epoch."""
        self._energy.keep_up()


class _WriteEpoch(keras.callbacks.Callback):
    def __init__(self, record: Record):
        super().__init__()
        self._record = record

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._record.keep_up()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._record.write()


def _counts(samples: Samples) -> dict[str, dict[str, int | None]]:
    """Return the numbers of images and patients in each split; None for patients if the data names none."""
    counts = {}
    for split in dict.fromkeys(samples.splits):
        rows = [row for row, other in enumerate(samples.splits) if other == split]
        patients = len({samples.patients[row] for row in rows}) if samples.has_patients else None
        counts[split or "not split"] = {"images": len(rows), "patients": patients}
    return counts


def _best(history: list[dict[str, float]], monitor: str) -> dict[str, Any]:
    best = best_epoch(scores_of(history, monitor))
    return {"score_name": monitor, "score": best_score(history, monitor), "best_epoch": best}


def _ended(session: dict[str, Any]) -> dict[str, Any]:
    return {**session, "status": KILLED} if session["status"] == RUNNING else session


def _end(error: BaseException) -> tuple[str, str]:
    """Return how an unfinished run ended: "stopped" by the user, the system or a search, or "failed" by an error."""
    name = type(error).__name__
    # So Optuna ends a trial that is worse than others.
    stopped = not isinstance(error, Exception) or name == "TrialPruned"
    return "stopped" if stopped else "failed", f"{name}: {' '.join(str(error).split())}".removesuffix(": ")


def _sum(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return sum(measured) if measured else None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
