"""Work in a thread, where only the newest of what waits is worth doing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

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
