"""Checkpoints of a training from the branch that another machine pushed them to."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path

from medzoo.devices import this_process
from medzoo.entry.safety.arrays import check_weights
from medzoo.errors import IntegrityError
from medzoo.files import locked
from medzoo.hub.checkpoints.branch import Branch, Head
from medzoo.hub.checkpoints.manifest import FOLDER, RECIPE, RECORDS, Manifest, check_content, latest_epoch, training_of
from medzoo.recipe import Recipe

_LOG = logging.getLogger("medzoo")
_STAGING = ".pull-"
# Seconds that other processes of a training wait for the first one.
LONGEST = 3600


def pull_run(repo: str, run: str | os.PathLike, recipe: Recipe | None = None) -> int | None:
    """Fetch what another machine pushed of a training, where that is further than the folder here.

    Every file is checked before any takes its place. Checkpoints that were in the folder are kept beside the new ones,
    as `checkpoints-0014` for those up to epoch 14.

    Args:
        repo: Repository on the Hub, `"owner/name"`.
        run: Folder of the run, which may be empty or missing.
        recipe: What is to be trained; by default the recipe in `run`, where it has one.

    Returns:
        The epoch that was fetched and that `train` goes on from, or None where the folder stays as it was: the branch
        is not further, or there is none yet.

    Raises:
        ValueError: The branch holds a training of another recipe, or the repository is public.
        IntegrityError: A file is not what was pushed, or is unsafe; the folder stays as it was.
        PermissionError: There is no token, or it is not valid.
        ConnectionError: The Hub was not reached, and the folder has no epoch to go on from.
        RuntimeError: Another process works in the folder.

    Example:
        >>> pull_run("me/run", "run")
        40
    """
    run, branch = Path(run), Branch(repo)
    try:
        return _pull(branch, run, recipe)
    except IntegrityError as error:
        raise IntegrityError(f"{branch}: {error} Nothing was taken from there.") from error
    except ConnectionError as error:
        if not (here := latest_epoch(run)):
            raise ConnectionError(
                f"{error} {branch} may hold epochs to go on from, so that training is not begun anew. "
                "To begin all the same, leave out --push-to."
            ) from error
        _LOG.warning("%s Training goes on from epoch %d of %s.", error, here, run)
        return None


def _pull(branch: Branch, run: Path, recipe: Recipe | None) -> int | None:
    head = branch.look()
    if head is None:
        return None
    if this_process()[0]:
        return _wait_for_first(branch, head, run)
    with locked(run), _staging(run, head) as staging:
        manifest = branch.manifest(head, staging)
        if manifest is None or manifest.epoch <= latest_epoch(run):
            return None
        _refuse_other_training(branch, manifest, run, recipe)
        branch.fetch(manifest, head, staging)
        _check(staging, manifest)
        _place(staging, run)
    return manifest.epoch


@contextmanager
def _staging(run: Path, head: Head) -> Iterator[Path]:
    """Yield the folder that files of a commit arrive in; after a broken connection they stay for the next time."""
    folder = run / f"{_STAGING}{head.commit}"
    for other in run.glob(f"{_STAGING}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    except ValueError:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _refuse_other_training(branch: Branch, manifest: Manifest, run: Path, recipe: Recipe | None) -> None:
    if recipe is None and (run / RECIPE).is_file():
        recipe = Recipe.load(run / RECIPE)
    if recipe is not None and training_of(recipe) != manifest.training:
        raise ValueError(f"{branch} holds a training of another recipe. Give another repository.")


def _check(folder: Path, manifest: Manifest) -> None:
    check_content(folder, manifest)
    for name in manifest.files:
        if name.endswith(".h5"):
            check_weights(folder / name)


def _place(staging: Path, run: Path) -> None:
    """Let what was fetched take its place, the checkpoints last: a folder without them is one to fetch into."""
    here, checkpoints = latest_epoch(run), run / FOLDER
    if here:
        _LOG.warning("The checkpoints up to epoch %d are kept in %s.", here, kept := _unused(run, here))
        os.replace(checkpoints, kept)
    else:
        shutil.rmtree(checkpoints, ignore_errors=True)
    for name in RECORDS:
        if (staging / name).exists():
            os.replace(staging / name, run / name)
    os.replace(staging / FOLDER, checkpoints)


def _unused(run: Path, epoch: int) -> Path:
    suffixes = chain([""], (f"-{number}" for number in count(2)))
    paths = (run / f"{FOLDER}-{epoch:04d}{suffix}" for suffix in suffixes)
    return next(path for path in paths if not path.exists())


def _wait_for_first(branch: Branch, head: Head, run: Path) -> int | None:
    """Wait until the first of several processes, which see one disk, has fetched the epoch of the branch."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = branch.manifest(head, Path(folder))
    end = time.monotonic() + LONGEST
    while manifest is not None and latest_epoch(run) < manifest.epoch:
        if time.monotonic() > end:
            raise RuntimeError(f"The first process of the training did not fetch {branch} into {run} in an hour.")
        time.sleep(1)
    return None
