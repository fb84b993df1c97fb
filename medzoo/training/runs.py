"""The runs in and below a folder, and their table; no Keras is loaded."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.evaluation.tables import align, number
from medzoo.files import read_json
from medzoo.progress import duration

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
        ValueError: A `run.json` cannot be read.

    Example:
        >>> [run.folder.name for run in find_runs("runs")]
        ['unet', 'resnet']
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. Expected a folder below which `medzoo train` wrote runs."
        )
    runs = [_read(path) for path in sorted(folder.rglob(RUN)) if not _is_hidden(path.relative_to(folder))]
    if not runs:
        raise FileNotFoundError(f"No {RUN} in or below {folder}. Train one: medzoo train RECIPE --data DIR -o {folder}")
    return sorted(runs, key=lambda run: (run.score is None, -(run.score or 0.0)))


def runs_table(runs: Iterable[Run]) -> str:
    """Return a table of runs, a line for each.

    Example:
        >>> print(runs_table(find_runs("runs")))
    """
    return "\n".join(align([("run", "status", "score", "", "epochs", "time", "date"), *map(_cells, runs)]))


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
        if record["status"] == RUNNING and session["host"] == platform.node() and not _is_alive(session["pid"]):
            record["status"] = KILLED
        return Run(path.parent, {**record, "score": record["score"]})
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{path} is not the record of a run: {error!r} is missing. Delete the file.") from error


def _is_hidden(path: Path) -> bool:
    """Return whether a path lies in a folder that a killed process left half-written."""
    return any(part.startswith(".") for part in path.parts)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # The process of another user.
        return True
    return True
