"""The runs in and below a folder, and their table; no Keras is loaded."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.evaluation.tables import align, number
from medzoo.files import read_json
from medzoo.leftovers import is_alive
from medzoo.progress import duration

_log = logging.getLogger("medzoo")

RUN = "run.json"
RUNNING, FINISHED, KILLED = "running", "finished", "killed"


@dataclass(frozen=True)
class Run:
    """The folder of a run and its `run.json`.

    Args:
        folder: The folder.
        record: Its `run.json`; the `status` of a run whose process is gone is "killed" instead of "running".
    """

    folder: Path
    record: dict[str, Any]

    @property
    def score(self) -> float | None:
        """Best validation score; higher is better."""
        return self.record["score"]


def find_runs(folder: str | os.PathLike) -> list[Run]:
    """Return all runs in and below a folder, also those of folds and trials, the best score first.

    Args:
        folder: A folder of any depth.

    Raises:
        FileNotFoundError: There is no such folder, or no run in it.
        ValueError: No `run.json` can be read; one beside others is warned of and left out.

    Example:
        >>> [run.folder.name for run in find_runs("runs")]
        ['unet', 'resnet']
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. Expected a folder below which `medzoo train` wrote runs."
        )
    paths = [path for path in sorted(folder.rglob(RUN)) if not _is_hidden(path.relative_to(folder))]
    runs: list[Run] = []
    refused: list[Exception] = []
    for path in paths:
        try:
            runs.append(_read(path))
        except (OSError, ValueError) as error:
            refused.append(error)
    if refused and not runs:
        raise refused[0]
    for fault in refused:
        _log.warning("medzoo: left out: %s", fault)
    if not runs:
        raise FileNotFoundError(f"No {RUN} in or below {folder}. Train one: medzoo train RECIPE --data DIR -o {folder}")
    return sorted(runs, key=lambda run: (run.score is None, -(run.score or 0.0)))


def runs_table(runs: Iterable[Run]) -> str:
    """Return a table of runs, a line for each.

    Example:
        >>> print(runs_table(find_runs("runs")))
    """
    rows = [("run", "status", "score", "", "epochs", "time", "date"), *map(_cells, runs)]
    return "\n".join(align(rows))


def _cells(run: Run) -> tuple[str, ...]:
    record = run.record
    return (
        str(run.folder),
        record["status"],
        number(run.score),
        record["score_name"],
        f"{record['epochs']}/{record['epochs_at_most']}",
        duration(record["seconds"]),
        record["date"][:16].replace("T", " "),
    )


def _read(path: Path) -> Run:
    record = read_json(path)
    try:
        session = record["sessions"][-1]
        if record["status"] == RUNNING and session["host"] == platform.node() and not is_alive(session["pid"]):
            record["status"] = KILLED
        run = Run(path.parent, {**record, "score": record["score"]})
        # What the table shows, and the order of runs.
        _cells(run), float(run.score or 0)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path} is not the record of a run: {error!r}. Delete the file.") from error
    return run


def _is_hidden(path: Path) -> bool:
    """Return whether a path lies in a folder that a killed process left half-written."""
    return any(part.startswith(".") for part in path.parts)
