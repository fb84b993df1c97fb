"""Working off the trials of a search, in this process or in several."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from medzoo.errors import DivergenceError, require
from medzoo.training.history import read_history
from medzoo.training.search.plan import FAILED, FINISHED, PRUNED, Plan
from medzoo.training.search.record import values_text
from medzoo.training.search.store import Claim, Store

if TYPE_CHECKING:
    import optuna

    from medzoo.data import Samples


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
        self._trial.report(float((logs or {})[self._monitor]), epoch)
        self._show()
        if self._prune and self._trial.should_prune():
            raise require("optuna", "search").TrialPruned("worse than the median of the finished trials")


def _train(*arguments: Any, **options: Any) -> None:
    from medzoo.training.train import train

    train(*arguments, **options)
    # A network is full of cycles, and two may not fit the device.
    gc.collect()


@dataclass(frozen=True)
class Job:
    """What a process needs to take part in a search.

    Args:
        run: Folder of the search.
        plan: What it tries.
        samples: What to train and validate on.
        prune: Whether to end trials early that are worse than most were at the same epoch.
        train: Function to train with, called as `medzoo.train` is.
    """

    run: Path
    plan: Plan
    samples: Samples
    prune: bool = False
    train: Callable[..., Any] = _train


def work(job: Job, show: Callable[[], None] = lambda: None) -> None:
    """Train trials until there is none left to take, or the process that started this one is gone.

    Args:
        job: The search.
        show: Called after each epoch.
    """
    store = Store(job.run, job.plan)
    parent = multiprocessing.parent_process()
    while (parent is None or parent.is_alive()) and (claim := store.claim()) is not None:
        _run(job, store, claim, show)
        show()


def work_in_processes(job: Job, workers: int, show: Callable[[], None]) -> None:
    """Let several processes `work` on a search.

    Raises:
        RuntimeError: One of them met an error; the message is the error's.
    """
    context = multiprocessing.get_context("spawn")
    errors = context.SimpleQueue()
    processes = [context.Process(target=_work_apart, args=(job, errors)) for _ in range(workers)]
    for process in processes:
        process.start()
    try:
        while any(process.is_alive() for process in processes) and errors.empty():
            wait([process.sentinel for process in processes if process.is_alive()], timeout=1)
            show()
    finally:
        for process in processes:
            process.terminate()
            process.join()
    if not errors.empty():
        raise RuntimeError(f"A worker stopped: {errors.get()}")


def _work_apart(job: Job, errors: Any) -> None:
    # Ctrl+C reaches all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Or each process would take all memory of a graphics processor for itself.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        work(job)
    except Exception as error:
        errors.put(f"{type(error).__name__}: {error}")


def _run(job: Job, store: Store, claim: Claim, show: Callable[[], None]) -> None:
    pruned = require("optuna", "search").TrialPruned
    try:
        _report_and_train(job, claim, show)
    except pruned:
        store.finish(claim, PRUNED)
    except DivergenceError as error:
        # Where weights were kept is of no use: a search deletes them.
        store.finish(claim, FAILED, str(error).partition(";")[0])
    except (TypeError, ValueError) as error:
        words = values_text(job.plan.grid.decode(claim.trial.params))
        raise ValueError(f"Trial {claim.folder.name} ({words}): {error}") from error
    else:
        store.finish(claim, FINISHED)
    finally:
        claim.lock.release()


def _report_and_train(job: Job, claim: Claim, show: Callable[[], None]) -> None:
    monitor = job.plan.monitor
    # Of a trial that was killed Optuna knows no epoch.
    for row in read_history(claim.folder):
        claim.trial.report(row[monitor], int(row["epoch"]) - 1)
    report = ReportEpoch(claim.trial, monitor, job.prune, show)
    job.train(claim.recipe, job.samples, claim.folder, verbose=0, callbacks=[report], cache=job.run / "features")
