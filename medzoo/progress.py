"""How far a piece of work is: one bar on the terminal, and time in words."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, TypeVar

from medzoo.errors import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")


def track(items: Iterable[Item], words: str, total: int | None = None) -> Iterator[Item]:
    """Yield items, while a bar on stderr shows how many of them are done; without a terminal, lines.

    Args:
        items: What is worked on; taken one by one, as the caller asks for them.
        words: What is done with them.
        total: Number of items; None for their length, where they have one.

    Example:
        >>> for row in track(rows, "Packing"):
        ...     write(row)
    """
    if total is None and isinstance(items, Sized):
        total = len(items)
    with progress_bar(words, total) as bar:
        for item in items:
            yield item
            bar.advance()


# Seconds until work without a terminal says how far it is, and from then on between two lines.
_FIRST, _NEXT = 3, 30


class Lines:
    """What stands for a bar where there is no terminal, such as in a log: a line now and then, none for short work."""

    def __init__(self, words: str, total: float | None):
        self._words, self._total, self._done = words, total, 0.0
        self._due = time.monotonic() + _FIRST

    def advance(self) -> None:
        """Count one more as done."""
        self.show(self._done + 1, "")

    def show(self, done: float, note: str) -> None:
        """Set how much is done, and the note behind it."""
        self._done = done
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _NEXT
            of = f" of {self._total:g}" if self._total else ""
            self.say(f"{self._words}: {done:g}{of}{f', {note}' if note else ''}")

    def say(self, line: str) -> None:
        """Write a line."""
        print(printable(line), file=sys.stderr, flush=True)


class Bar:
    """The bar of `progress_bar`; any thread may move it."""

    def __init__(self, progress: Progress, task: TaskID):
        self._progress, self._task = progress, task

    def advance(self) -> None:
        """Count one more as done."""
        self._progress.advance(self._task)

    def show(self, done: float, note: str) -> None:
        """Set how much is done, and the note beside the bar."""
        self._progress.update(self._task, completed=done, note=note)

    def say(self, line: str) -> None:
        """Write a line above the bar."""
        self._progress.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def progress_bar(words: str, total: int | None = None, keep: bool = False) -> Iterator[Bar | Lines]:
    """Show a bar on stderr while the block works, with the time that is left; without a terminal lines, if it lasts.

    Args:
        words: What is done.
        total: How much there is to do; None where nobody knows.
        keep: Whether the bar stays when all is done, and is written without a terminal too.
            Else it leaves nothing on a terminal.

    Example:
        >>> with progress_bar("Fitting svr", 20) as bar:
        ...     bar.advance()
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    words, console = printable(words), Console(stderr=True)
    if not (keep or console.is_terminal or console.is_jupyter):
        yield Lines(words, total)
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(show_speed=True),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns,
        console=console,
        transient=not keep,
        # Lines that are printed under a bar go to the terminal above it, but never there instead of into a file.
        redirect_stdout=console.is_jupyter or sys.stdout.isatty(),
        # One step may take hours, so the speed is that of all of them.
        speed_estimate_period=1e9,
    ) as progress:
        yield Bar(progress, progress.add_task(words, total=total, note=""))


def duration(seconds: float) -> str:
    """Return a time in the two units that are read.

    Example:
        >>> [duration(seconds) for seconds in (0.4, 59, 740, 7_380, 100_000)]
        ['1 s', '59 s', '12 min', '2 h 3 min', '1 d 4 h']
    """
    minutes = round(seconds / 60)
    if seconds < 59.5:
        return f"{max(round(seconds), 1)} s"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"
