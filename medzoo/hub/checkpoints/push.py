"""Checkpoints of a training to a private branch, so that a lost machine loses no weights."""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import keras

from medzoo.devices import this_process
from medzoo.hub.checkpoints.branch import Branch, Head
from medzoo.hub.checkpoints.manifest import RECIPE, Manifest, delete_snapshots, latest_epoch, snapshot
from medzoo.recipe import Recipe

Item = TypeVar("Item")


class Background(Generic[Item]):
    """A thread for one item at a time; an item that still waits gives way to a newer one.

    The thread ends with its work, and at once with the process.

    Args:
        work: What is done with an item. It must not raise.
        drop: Called once for every item, done or not, when it is of no more use.

    Example:
        >>> background = Background(send, shutil.rmtree)
        >>> background.put(folder)
        >>> background.wait(seconds=60)
        True
    """

    def __init__(self, work: Callable[[Item], None], drop: Callable[[Item], None]):
        self._work, self._drop = work, drop
        self._lock = threading.Lock()
        self._waiting: list[Item] = []
        self._thread: threading.Thread | None = None

    def put(self, item: Item) -> None:
        """Hand over an item, and return at once."""
        with self._lock:
            outdated, self._waiting = self._waiting, [item]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
        for old in outdated:
            self._drop(old)

    def wait(self, seconds: float) -> bool:
        """Wait for all items and return whether they are done."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _run(self) -> None:
        while (item := self._take()) is not None:
            try:
                self._work(item)
            finally:
                self._drop(item)

    def _take(self) -> Item | None:
        with self._lock:
            if not self._waiting:
                self._thread = None
                return None
            return self._waiting.pop()


_LOG = logging.getLogger("medzoo")
# Seconds that the end of a training waits for its last epoch to be sent.
LONGEST = 600


class PushCheckpoints(keras.callbacks.Callback):
    """Push the latest and the best epoch of a run to the branch "training" of a private repository.

    Training is not held up: epochs are sent beside it, and one that is outdated before it was its turn is skipped.
    Where the Hub is not reached, that is logged, and the next turn sends what is newest then. Only the end of the
    training waits for its last epoch, for ten minutes at most.

    Sent are the recipe, `history.csv`, `run.json` and checkpoints; no data, features and logs. The branch only moves
    forward: it is never given an earlier epoch than it holds, or a training of another recipe. Of several processes
    that train together the first one pushes.

    Args:
        run: Folder of the run.
        repo: Repository on the Hub, `"owner/name"`; it is made, private, where there is none.
        every: Epochs from one push to the next.

    Raises:
        ValueError: The repository is public, or its branch holds what `run` would have to go on from; `pull_run`
            fetches it.
        PermissionError: There is no token, or it has no right to write there.

    Example:
        >>> pull_run("me/run", run)
        >>> train(recipe, samples, run, callbacks=[PushCheckpoints(run, "me/run", every=5)])
    """

    def __init__(self, run: str | os.PathLike, repo: str, every: int = 5):
        super().__init__()
        if type(every) is not int or every < 1:
            raise ValueError(f"`every` must be a whole number of epochs, at least 1. Received: {every!r}.")
        self._run, self._branch, self._every = Path(run), Branch(repo), every
        self._head: Head | None = None
        self._pushed: Manifest | None = None
        self._failure: str | None = None
        self._background = Background(self._send, partial(shutil.rmtree, ignore_errors=True))
        self._is_first, self._is_new = this_process()[0] == 0, True
        if self._is_first:
            self._begin()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Delete what a killed process did not send."""
        if self._is_first and self._is_new:
            delete_snapshots(self._run)
        self._is_new = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Hand over the epoch that is on disk, if it is its turn."""
        if self._is_first and (epoch + 1) % self._every == 0:
            self._hand_over()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Push the last epoch; a training of several phases ends several times, and once for good."""
        if self._is_first and self.params["epochs"] == Recipe.load(self._run / RECIPE).epochs:
            self.finish()

    def finish(self) -> bool:
        """Push what the folder holds, wait for it, and return whether all of it is on the branch.

        What could not be sent is logged, with the command that sends it.
        """
        if not self._is_first or not latest_epoch(self._run):
            return True
        self._hand_over()
        in_time = self._background.wait(LONGEST)
        if in_time and self._failure is None:
            return True
        _LOG.warning(
            "Epoch %d of %s is not on %s. %s Send it: python -m medzoo.hub.checkpoints.push %s %s",
            latest_epoch(self._run),
            self._run,
            self._branch,
            self._failure if in_time else f"It was not sent in {LONGEST} seconds.",
            shlex.quote(str(self._run)),
            self._branch.repo,
        )
        return False

    def _begin(self) -> None:
        """Refuse at once what every push would refuse."""
        try:
            self._look()
            if self._pushed and self._pushed.epoch > (here := latest_epoch(self._run)):
                raise ValueError(self._further(self._pushed.epoch, here))
        except ConnectionError as error:
            self._fail(error, "Nothing is pushed so far")

    def _hand_over(self) -> None:
        """Leave what is on disk now to the thread; epochs are deleted while it sends."""
        try:
            self._background.put(snapshot(self._run))
        except OSError as error:
            self._fail(error, f"Epoch {latest_epoch(self._run)} was not pushed")

    def _send(self, folder: Path) -> None:
        """Push a snapshot, in the thread; whatever goes wrong is not to stop the training."""
        epoch = latest_epoch(folder)
        try:
            self._push(folder)
        except Exception as error:
            self._fail(error, f"Epoch {epoch} was not pushed")
            return
        if self._failure:
            _LOG.warning("Epoch %d was pushed to %s.", epoch, self._branch)
        self._failure = None

    def _push(self, folder: Path) -> None:
        ours = Manifest.of(folder)
        head = self._look()
        theirs = self._pushed
        if theirs and theirs.training != ours.training:
            raise ValueError(f"{self._branch} holds a training of another recipe. Give another repository.")
        if theirs and theirs.epoch > ours.epoch:
            raise ValueError(self._further(theirs.epoch, ours.epoch))
        if theirs != ours:
            message = f"Epoch {ours.epoch} of {Recipe.load(folder / RECIPE).name}"
            self._head = self._branch.commit(ours, head, folder, message)
            self._pushed = ours

    def _look(self) -> Head:
        """Return what the branch holds, and learn its manifest, which another machine may have pushed to."""
        head = self._branch.open()
        if self._head is None or head.commit != self._head.commit:
            with tempfile.TemporaryDirectory() as folder:
                self._pushed = self._branch.manifest(head, Path(folder))
        self._head = head
        return head

    def _further(self, there: int, here: int) -> str:
        return (
            f"{self._branch} holds epoch {there}, {self._run} epoch {here}. Go on from there: "
            f"medzoo.pull_run({self._branch.repo!r}, {str(self._run)!r}), or give another repository."
        )

    def _fail(self, error: Exception, what: str) -> None:
        """Log the first failure in a row."""
        reason = " ".join(str(error).split()) or type(error).__name__
        if self._failure is None:
            _LOG.warning("%s, training goes on and the next turn tries again. %s", what, reason)
        self._failure = reason


def main() -> None:
    """Push a run that is not trained at the moment: `python -m medzoo.hub.checkpoints.push RUN OWNER/NAME`."""
    try:
        run, repo = sys.argv[1:3]
        done = PushCheckpoints(run, repo).finish()
    except (ValueError, OSError) as error:
        sys.exit(f"medzoo: error: {error}")
    sys.exit(not done)


if __name__ == "__main__":
    main()
