"""The files of a training that another machine can go on from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from medzoo.recipe import Recipe
from medzoo.training.checkpoints import FROZEN, HEAD, STATE, WEIGHTS, Checkpoints

RECIPE, FOLDER = "recipe.json", "checkpoints"
RECORDS = (RECIPE, "history.csv", "run.json")
ENCODER = f"{FOLDER}/{FROZEN}"

_EPOCH = re.compile(rf"{FOLDER}/epoch-(\d{{4,9}})/(?:{'|'.join(map(re.escape, (STATE, WEIGHTS, HEAD)))})")
_SNAPSHOT = ".push-"
# Bytes; a network of a billion parameters has 12 GB with the state of its optimiser.
_SMALL, _LARGE = 2**24, 2**36


def run_files(run: Path) -> list[str]:
    """Return the names of the files in the folder of a run that are pushed, and of no others.

    These are its records and the checkpoints of its latest and its best epoch: no data, features or logs.
    """
    found = [path.relative_to(run).as_posix() for path in sorted((run / FOLDER).glob("epoch-*/*"))]
    if any(name.endswith(HEAD) for name in found):
        found.append(ENCODER)
    return [name for name in (*RECORDS, *found) if is_run_file(name) and (run / name).is_file()]


def is_run_file(name: str) -> bool:
    """Return whether a file of this name is pushed and fetched."""
    return name in RECORDS or name == ENCODER or epoch_of(name) is not None


def epoch_of(name: str) -> int | None:
    """Return the epoch whose checkpoint a file of this name belongs to, or None."""
    match = _EPOCH.fullmatch(name)
    return int(match[1]) if match else None


def size_limit(name: str) -> int:
    """Return how many bytes a file of this name may have."""
    return _LARGE if name.endswith(".h5") else _SMALL


def latest_epoch(run: Path) -> int:
    """Return the last finished epoch in the folder of a run, 0 for none."""
    return Checkpoints(run / FOLDER, "").latest or 0


def training_of(recipe: Recipe) -> str:
    """Return the SHA-256 of what decides a training; the words around it may change."""
    return hashlib.sha256(recipe.decisive.encode()).hexdigest()


def snapshot(run: Path) -> Path:
    """Return a new folder in that of a run with its files as they are now, to be deleted by whoever asked for it.

    They are hard links where the file system has these: files of a run are replaced and deleted, but never changed.

    Raises:
        OSError: The disk is full; no folder is left.
    """
    folder = Path(tempfile.mkdtemp(prefix=_SNAPSHOT, dir=run))
    try:
        for name in run_files(run):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(run / name, target)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def delete_snapshots(run: Path) -> None:
    """Delete the snapshots that a killed process left in the folder of a run."""
    for folder in run.glob(f"{_SNAPSHOT}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _link(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
