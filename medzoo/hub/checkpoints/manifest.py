"""The files of a training that another machine can go on from, and what vouches for them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from medzoo.entry import read_checked_json, sha256
from medzoo.errors import IntegrityError
from medzoo.files import write_json
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
    names = [path.relative_to(run).as_posix() for path in sorted((run / FOLDER).glob("epoch-*/*"))]
    if any(name.endswith(HEAD) for name in names):
        names.append(ENCODER)
    return [name for name in (*RECORDS, *names) if is_run_file(name) and (run / name).is_file()]


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


FORMAT = 1
MANIFEST = "manifest.json"

_SHA256 = re.compile(r"[0-9a-f]{64}")
# What reading JSON raises that is none of ours.
_OTHER = (ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class Manifest:
    """The manifest of a run on a branch.

    Args:
        training: SHA-256 of what decides the training, see `training_of`.
        epoch: The last finished epoch.
        files: For each file, by its name in the folder of the run, its `sha256` and its `size` in bytes.
    """

    training: str
    epoch: int
    files: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, folder: Path) -> Manifest:
        """Make the manifest of a run, or of a snapshot of one."""
        names = run_files(folder)
        files = {name: {"sha256": sha256(folder / name), "size": (folder / name).stat().st_size} for name in names}
        return cls(training_of(Recipe.load(folder / RECIPE)), latest_epoch(folder), files)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest from anywhere and check it.

        Raises:
            IntegrityError: It is no manifest, or lists what is no file of a run.
            ValueError: It was written by another version of medzoo.
        """
        value = read_checked_json(path, size_limit(MANIFEST))
        if not isinstance(value, dict) or type(value.get("format")) is not int:
            raise _wrong(MANIFEST, "it has no format")
        if value["format"] != FORMAT:
            raise ValueError(
                f"{MANIFEST} has format {value['format']}, this medzoo reads {FORMAT}. "
                f"Resume with the medzoo that wrote it: {value.get('medzoo')}."
            )
        _check(value)
        return cls(value["training"], value["epoch"], value["files"])

    def save(self, path: Path) -> None:
        """Write the manifest as JSON."""
        from medzoo import __version__

        write_json(path, {"format": FORMAT, "medzoo": __version__, **asdict(self)})


def check_content(folder: Path, manifest: Manifest) -> None:
    """Check that the content of files, whose sha256 was compared, agrees with their manifest.

    Raises:
        IntegrityError: They do not; the message names the file.
    """
    try:
        training = training_of(Recipe.from_json(read_checked_json(folder / RECIPE, size_limit(RECIPE))))
    except _OTHER as error:
        raise _wrong(RECIPE, "it is no recipe") from error
    if training != manifest.training:
        raise _wrong(RECIPE, "it is of another training than the manifest says")
    for name in manifest.files:
        epoch = epoch_of(name)
        if epoch is not None and name.endswith(f"/{STATE}"):
            _check_state(folder / name, name, epoch)


def _check(value: dict[str, Any]) -> None:
    training, epoch, files = (value.get(name) for name in ("training", "epoch", "files"))
    if not _is_sha256(training) or type(epoch) is not int or not isinstance(files, dict):
        raise _wrong(MANIFEST, "it does not say which files of which training there are")
    for name, promised in files.items():
        if not is_run_file(name):
            raise _wrong(MANIFEST, f"it lists {name!r}, which is no file of a run")
        if not _is_promise(promised, size_limit(name)):
            raise _wrong(MANIFEST, f"it does not give a sha256 and a size up to {size_limit(name)} for {name}")
    epochs = {number for number in map(epoch_of, files) if number is not None}
    if max(epochs, default=0) != epoch:
        raise _wrong(MANIFEST, f"its last epoch is not {epoch}")
    for name in [RECIPE, *(name for number in epochs for name in _needed(number, files))]:
        if name not in files:
            raise _wrong(MANIFEST, f"it does not list {name}")


def _needed(epoch: int, files: Mapping[str, Any]) -> list[str]:
    folder = f"{FOLDER}/epoch-{epoch:04d}"
    head = f"{folder}/{HEAD}"
    return [f"{folder}/{STATE}", *([head, ENCODER] if head in files else [f"{folder}/{WEIGHTS}"])]


def _is_promise(value: Any, limit: int) -> bool:
    if not isinstance(value, dict) or value.keys() != {"sha256", "size"}:
        return False
    return _is_sha256(value["sha256"]) and type(value["size"]) is int and 0 <= value["size"] <= limit


def _is_sha256(value: Any) -> bool:
    return isinstance(value, str) and _SHA256.fullmatch(value) is not None


def _check_state(path: Path, name: str, epoch: int) -> None:
    try:
        rows = read_checked_json(path, size_limit(name))["history"]
        epochs = [row["epoch"] for row in rows]
        are_numbers = all(isinstance(value, int | float | None) for row in rows for value in row.values())
    except _OTHER as error:
        raise _wrong(name, "it is no state of an epoch") from error
    if epochs != list(range(1, epoch + 1)) or not are_numbers:
        raise _wrong(name, "it does not hold the scores of all epochs so far")


def _wrong(name: str, reason: str) -> IntegrityError:
    return IntegrityError(f"{name} is not as `medzoo train` pushes it: {reason}.")
