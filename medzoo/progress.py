"""How far a piece of work is: one bar on the terminal, and time in words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Item = TypeVar("Item")


def track(items: Iterable[Item], words: str, total: int | None = None) -> Iterator[Item]:
    """Yield items, while a bar on stderr shows how many of them are done; without a terminal it is silent.

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
        self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def progress_bar(words: str, total: int | None = None, keep: bool = False) -> Iterator[Bar]:
    """Show a bar on stderr while the block works, with the time that is left.

    Args:
        words: What is done.
        total: How much there is to do; None where nobody knows.
        keep: Whether the bar stays when all is done, and is written without a terminal too. Else it leaves nothing.

    Example:
        >>> with progress_bar("Fitting svr", 20) as bar:
        ...     bar.advance()
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
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
        # Without a terminal rich would write an empty line for a bar that is to leave nothing.
        disable=not (keep or console.is_terminal or console.is_jupyter),
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
