"""How far a search is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from medzoo.evaluation.tables import number
from medzoo.training.search.plan import FINISHED, RUNNING, Trial, by_score
from medzoo.training.search.table import values_text

if TYPE_CHECKING:
    from medzoo.training.search.store import Store


@contextlib.contextmanager
def progress(store: Store) -> Iterator[Callable[[], None]]:
    """Show on stderr how many trials are done, the best score and the time left, and a line for each that ends.

    Yields:
        Function that brings it up to date with what all processes wrote.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[words]}"), TimeRemainingColumn())
    # A trial may take hours, so that the speed is that of all of them.
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=1e9) as bar:
        task = bar.add_task("Searching", total=store.plan.total, words="")
        said = {trial.name for trial in store.trials() if trial.state != RUNNING}

        def show() -> None:
            trials = store.trials()
            for trial in trials:
                if trial.state != RUNNING and trial.name not in said:
                    said.add(trial.name)
                    bar.console.print(_line(trial), markup=False, highlight=False, soft_wrap=True)
            done = sum(_share(trial, store.plan.recipe.epochs) for trial in trials)
            bar.update(task, completed=done, words=_words(trials, store.plan.total))

        show()
        yield show
        show()


def _share(trial: Trial, epochs: int) -> float:
    return min(trial.epochs / epochs, 0.99) if trial.state == RUNNING else 1.0


def _line(trial: Trial) -> str:
    outcome = trial.reason or f"{number(trial.score)}{'' if trial.state == FINISHED else ' ' + trial.state}"
    return f"Trial {trial.name}: {values_text(trial.values)} -> {outcome}"


def _words(trials: list[Trial], total: int) -> str:
    done = [trial for trial in trials if trial.state != RUNNING]
    best = next((trial for trial in by_score(done) if trial.state == FINISHED), None)
    words = f"{len(done)}/{total} trials"
    return words if best is None else f"{words}, best {number(best.score)} ({best.name})"
