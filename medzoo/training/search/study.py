"""Optuna's record of trials, in a file that several processes share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from medzoo.errors import require

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
    """Cut off the half of a line that a full disk left, behind which the journal could not be read."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


@contextlib.contextmanager
def _quiet(optuna: object) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
