"""The trials of a search on disk, which several processes work off together.

The journal is Optuna's own: its samplers and its pruner need more of a trial than a row of arrays.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from medzoo.errors import require
from medzoo.files import claim
from medzoo.recipe import Recipe
from medzoo.training.history import best_score, read_history
from medzoo.training.search.plan import FINISHED, RUNNING, STATES, Plan, Trial, by_score

if TYPE_CHECKING:
    import optuna


def open_study(path: Path, unpruned_epochs: int) -> optuna.Study:
    """Open the study of a file, or begin one; higher scores are better.

    Args:
        path: A journal, to which every process appends what it does.
        unpruned_epochs: Epochs before which no trial is compared with the median of others.

    Raises:
        ImportError: Optuna is not installed.
    """
    optuna = require("optuna", "search")
    # Unlike Optuna's own locks, one of the system is free at once when its process is killed.
    lock = FileLock(path.with_name(".journal.lock"))
    with lock:
        _mend(path)
    journal = optuna.storages.journal
    with _quiet(optuna):
        return optuna.create_study(
            storage=journal.JournalStorage(journal.JournalFileBackend(str(path), lock)),
            study_name="search",
            direction="maximize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=unpruned_epochs),
        )


def _mend(path: Path) -> None:
    """Cut off the half line that a full disk left: the journal could not be read beyond it."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


@contextlib.contextmanager
def _quiet(optuna: ModuleType) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


_NAMES = {state: name for name, state in STATES.items()}


@dataclass(frozen=True)
class Claim:
    """A trial that this process trains, and no other one while it holds the lock.

    Args:
        trial: Optuna's trial.
        recipe: What is trained.
        folder: Folder of the run.
        lock: Lock of the folder, which the system frees when the process is killed.
    """

    trial: optuna.Trial
    recipe: Recipe
    folder: Path
    lock: FileLock


class Store:
    """An Optuna study in a file, whose trials are taken one by one under a lock.

    Points that are chosen beforehand are queued when the search starts: any number of processes trains each of them
    once, however often one is killed. TPE proposes a point when one is asked for. The trial of a killed process is
    recognised by the free lock of its folder; it is queued again and goes on there.

    Args:
        run: Folder of the search.
        plan: What it tries.

    Raises:
        ValueError: The folder holds another search.
        ImportError: Optuna is not installed.
    """

    def __init__(self, run: Path, plan: Plan):
        self._optuna = require("optuna", "search")
        self.run, self.plan = run, plan
        run.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(run / ".study.lock")
        with self._lock:
            claim(run / "plan.json", "a search with another {}", plan.to_json())
            # No trial is ended before its scores mean something.
            self._study = open_study(run / "study.journal", unpruned_epochs=max(1, plan.recipe.epochs // 10))
            self._queue()

    def claim(self) -> Claim | None:
        """Take the next trial; None if there is none left to take."""
        with self._lock:
            self._requeue_dead()
            latest = self._latest()
            is_waiting = any(trial.state.name == "WAITING" for trial in latest.values())
            if not is_waiting and len(latest) >= self.plan.total:
                return None
            # A sampler of its own for each trial, since one of the same seed would propose the same point again.
            self._study.sampler = self._optuna.samplers.TPESampler(seed=self.plan.seed + len(latest))
            trial = self._study.ask(self.plan.grid.distributions)
            folder = self.run / "trials" / _folder_of(trial)
            lock = self._lock_of(folder)
            lock.acquire()
        return Claim(trial, self.plan.recipe.with_(self.plan.grid.decode(trial.params)), folder, lock)

    def finish(self, claim: Claim, state: str, reason: str | None = None) -> None:
        """Write how a trial ended, and delete the weights of all but the best."""
        score = best_score(read_history(claim.folder), self.plan.monitor) if state == FINISHED else None
        with self._lock:
            if reason:
                claim.trial.set_user_attr("reason", reason)
            self._study.tell(claim.trial, score, self._optuna.trial.TrialState[_NAMES[state]])
            for trial in by_score(self.trials())[1:]:
                if trial.state != RUNNING:
                    shutil.rmtree(self.run / "trials" / trial.name / "checkpoints", ignore_errors=True)

    def trials(self) -> list[Trial]:
        """Return all trials that were begun, in the order of their folders."""
        # Another process may just be drawing the values of one.
        fields = set(self.plan.grid.values)
        return [
            self._record(folder, trial)
            for folder, trial in sorted(self._latest().items())
            if trial.state.name in STATES and set(trial.params) == fields
        ]

    def importances(self) -> dict[str, float]:
        """Return each field's importance in a random forest for the score, the largest first; {} for too few trials."""
        scores = [trial.score for trial in self.trials() if trial.state == FINISHED]
        if len(scores) < 3 or len(set(scores)) < 2:
            return {}
        tools = self._optuna.importance
        # The time of Optuna's fANOVA explodes with the number of values in a list.
        evaluator = tools.MeanDecreaseImpurityImportanceEvaluator(seed=self.plan.seed)
        importances = tools.get_param_importances(self._study, evaluator=evaluator)
        return {path: round(float(share), 4) for path, share in importances.items()}

    def _queue(self) -> None:
        """Queue the points that are not there yet."""
        plan = self.plan
        points = [] if plan.sampler == "tpe" else plan.grid.points(plan.sampler, plan.trials, plan.seed)
        for point in points[len(self._latest()) :]:
            self._study.enqueue_trial(point)

    def _requeue_dead(self) -> None:
        for folder, trial in self._latest().items():
            if trial.state.name == "RUNNING" and self._is_free(folder):
                # A kill may have come before all parameters were drawn.
                point = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
                self._study.enqueue_trial(point, user_attrs={"folder": folder})
                self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)

    def _is_free(self, folder: str) -> bool:
        try:
            with self._lock_of(self.run / "trials" / folder).acquire(timeout=0):
                return True
        except Timeout:
            return False

    def _lock_of(self, folder: Path) -> FileLock:
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / ".trial.lock")

    def _latest(self) -> dict[str, optuna.trial.FrozenTrial]:
        """Return the last trial of each folder."""
        return {_folder_of(trial): trial for trial in self._study.get_trials(deepcopy=False)}

    def _record(self, folder: str, trial: optuna.trial.FrozenTrial) -> Trial:
        history = read_history(self.run / "trials" / folder)
        return Trial(
            name=folder,
            state=STATES[trial.state.name],
            values=self.plan.grid.decode(trial.params),
            score=best_score(history, self.plan.monitor),
            epochs=len(history),
            seconds=round(sum(row.get("seconds", 0.0) for row in history), 1),
            reason=trial.user_attrs.get("reason"),
        )


def _folder_of(trial: optuna.Trial | optuna.trial.FrozenTrial) -> str:
    return trial.user_attrs.get("folder", f"{trial.number:04d}")
