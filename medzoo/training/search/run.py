"""Search recipe values, and see how much data is enough."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.evaluation.tables import number
from medzoo.progress import progress_bar
from medzoo.recipe import Recipe
from medzoo.training.search.grid import Grid
from medzoo.training.search.plan import FINISHED, FRACTION, RUNNING, Plan, Trial, by_score
from medzoo.training.search.record import Search, values_text
from medzoo.training.search.store import Store
from medzoo.training.search.work import Job, work, work_in_processes

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel


@contextlib.contextmanager
def progress(store: Store) -> Iterator[Callable[[], None]]:
    """Show on stderr how many trials are done, the best score and the time left, and a line for each that ends.

    Yields:
        Function that brings it up to date with what all processes wrote.
    """
    with progress_bar("Searching", store.plan.total, keep=True) as bar:
        said = {trial.name for trial in store.trials() if trial.state != RUNNING}

        def show() -> None:
            trials = store.trials()
            for trial in trials:
                if trial.state != RUNNING and trial.name not in said:
                    said.add(trial.name)
                    bar.say(_line(trial))
            bar.show(sum(_share(trial, store.plan.recipe.epochs) for trial in trials), _note(trials, store.plan.total))

        show()
        yield show
        show()


def _share(trial: Trial, epochs: int) -> float:
    return min(trial.epochs / epochs, 0.99) if trial.state == RUNNING else 1.0


def _line(trial: Trial) -> str:
    outcome = trial.reason or f"{number(trial.score)}{'' if trial.state == FINISHED else ' ' + trial.state}"
    return f"Trial {trial.name}: {values_text(trial.values)} -> {outcome}"


def _note(trials: list[Trial], total: int) -> str:
    done = [trial for trial in trials if trial.state != RUNNING]
    best = next((trial for trial in by_score(done) if trial.state == FINISHED), None)
    note = f"{len(done)}/{total} trials"
    return note if best is None else f"{note}, best {number(best.score)} ({best.name})"


def search(
    recipe: Recipe,
    samples: Samples,
    run: str | os.PathLike,
    grid: Mapping[str, Any] | Grid,
    sampler: str = "grid",
    trials: int | None = None,
    workers: int = 1,
    prune: bool = False,
    seed: int = 0,
) -> Search:
    """Train a recipe with many values of its fields, and compare the trainings on the same validation images.

    Every trial is a run of its own, as `medzoo.train` makes it. The same call again, after a kill or at the same time
    in another process, takes part in the same search: each trial is trained once, and one that was cut off goes on
    from its last epoch. The weights of the best trial only are kept.

    Args:
        recipe: What is trained; the grid says what is changed in it.
        samples: What to train and validate on; a "test" part is not looked at.
        run: Folder of the search.
        grid: Values of each field by its dotted path, `{"optimizer.learning_rate": [1e-3, 1e-2]}`, or ranges,
            `{"low": 1e-4, "high": 1e-2, "log": True}`; see `Grid`.
        sampler: "grid" tries every combination, "random" random ones, "tpe" (tree-structured Parzen estimator) those
            that the trials before let hope for most.
        trials: Number of trials of "random" and "tpe"; may be more when the search is taken up again.
        workers: Number of processes.
        prune: Whether to end trials early whose score is below the median of the finished ones at the same epoch.
        seed: Seed of the sampler.

    Returns:
        The trials, the best first; also written to the folder as `trials.csv`, `search.json`, `best.json` and figures.

    Raises:
        ValueError: A field of the grid is unknown, a recipe of the grid is not valid, or the folder holds another
            search.
        RuntimeError: A worker met an error; one that diverges is a failed trial and no error.

    Example:
        >>> grid = {"builder.dropout": [0, 0.1, 0.2], "optimizer.learning_rate": [1e-4, 1e-3, 1e-2]}
        >>> print(medzoo.search(recipe, samples, "runs/search", grid))

    Source: Akiba et al., "Optuna", 2019 (arXiv 1907.10902).
    """
    from medzoo.training.data import divide
    from medzoo.training.train import check

    grid = grid if isinstance(grid, Grid) else Grid(grid)
    plan = Plan(recipe, grid, sampler, trials, seed)
    plan.check()
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f"`workers` must be a whole number of at least 1. Received: {workers!r}.")
    for one in plan.recipes():
        check(one, samples)
    # Divided once, so that trials of other seeds are judged by the same images.
    job = Job(Path(run), plan, divide(samples, recipe), prune)
    return run_job(job, workers)


def learning_curve(
    recipe: Recipe,
    samples: Samples,
    run: str | os.PathLike,
    fractions: Sequence[float] = (0.1, 0.2, 0.3, 1),
    seeds: int = 1,
    workers: int = 1,
) -> Search:
    """Train a recipe on fractions of the training images, to see how many are enough.

    All are validated on the same images, and a smaller fraction is contained in a larger one of the same seed. It is
    a search over the fraction, with all that `search` says.

    Args:
        recipe: What is trained.
        samples: What to train and validate on.
        run: Folder of the trainings.
        fractions: Fractions of the training images, above 0 and at most 1.
        seeds: Number of trainings of each fraction, with other images and other initial weights.
        workers: Number of processes.

    Returns:
        The trainings; `images` of each is the number of its training images.

    Raises:
        ValueError: As of `search`; or a fraction is out of range.

    Example:
        >>> print(medzoo.learning_curve(recipe, samples, "runs/curve", (0.1, 0.3, 1)))
    """
    wrong = [share for share in fractions if not 0 < share <= 1]
    if wrong:
        raise ValueError(f"`fractions` must lie above 0 and be at most 1. Received: {wrong[0]}.")
    grid = {FRACTION: list(fractions)}
    if seeds > 1:
        grid["seed"] = list(range(recipe.seed, recipe.seed + seeds))
    return search(recipe, samples, run, grid, workers=workers)


def run_job(job: Job, workers: int = 1) -> Search:
    """Work a search off, and write what it found."""
    store = Store(job.run, job.plan)
    with progress(store) as show:
        work(job, show) if workers == 1 else work_in_processes(job, workers, show)
    trials = by_score(store.trials())
    if job.plan.is_learning_curve:
        trials = [replace(trial, images=_images(job, trial.values)) for trial in trials]
    found = Search(job.run, job.plan, tuple(trials), store.importances())
    found.save()
    return found


def best_model(found: Search, samples: Samples) -> ZooModel:
    """Return the model of the best trial; nothing is trained anew."""
    from medzoo.training.data import divide
    from medzoo.training.train import train

    samples = divide(samples, found.plan.recipe)
    return train(found.best_recipe, samples, found.best_folder, verbose=0, cache=found.folder / "features")


def _images(job: Job, values: dict[str, Any]) -> int:
    from medzoo.training.data import parts

    return len(parts(job.samples, job.plan.recipe.with_(values))[0])
