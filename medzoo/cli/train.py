"""Commands that train: train, crossval, search; and runs, which lists what was trained."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.cli.parser import DATA, add_command
from medzoo.cli.recipe import add_recipe, chosen_recipe

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.hub.checkpoints.push import PushCheckpoints
    from medzoo.recipe import Recipe
    from medzoo.training.search.record import Search

# Options that mean nothing for a learning curve.
_GRID_ONLY = ("sampler", "trials", "prune")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "train", _train, "Train a recipe; run again after a kill to go on.")
    add_recipe(command)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("-o", "--output", required=True, help="folder of the run")
    command.add_argument("--fraction", type=float, help="use this fraction of the training images, for example 0.1")
    command.add_argument("--push-to", metavar="OWNER/NAME", help="push checkpoints to this private repository of yours")
    command.add_argument("--push-every", type=int, metavar="EPOCHS", help="how often (default: 5)")

    command = add_command(commands, "crossval", _crossval, "Train and score every fold; run again after a kill.")
    add_recipe(command)
    command.add_argument("--data", required=True, help=f"{DATA}; its test part is held out")
    command.add_argument("-o", "--output", required=True, help="folder of the runs, tables, figures and zoo entries")
    text = "number of folds (default: 5), or a CSV of them (medzoo split)"
    command.add_argument("--folds", type=_folds, default=5, metavar="N|FILE", help=text)
    command.add_argument("--holdout", type=float, default=0.0, help="fraction to hold out of data without a test part")

    command = add_command(commands, "search", _search, "Search recipe values, or the number of images that is enough.")
    add_recipe(command)
    command.add_argument("--data", required=True, help=DATA)
    command.add_argument("-o", "--output", required=True, metavar="RUN", help="folder; run again to go on, or beside")
    command.add_argument("--grid", metavar="FILE", help='JSON: {"optimizer.learning_rate": [0.001, 0.01], ...}')
    command.add_argument("--sampler", choices=("grid", "random", "tpe"), help="default: grid")
    command.add_argument("--trials", type=int, metavar="N", help="number of trials of random and tpe")
    command.add_argument("--prune", action="store_true", help="end trials early that are worse than the median")
    command.add_argument("--fractions", type=_numbers, metavar="F,F,...", help="learning curve, such as 0.1,0.3,1")
    command.add_argument("--seeds", type=int, metavar="N", help="trainings of each fraction (default: 1)")
    command.add_argument("--workers", type=int, default=1, metavar="N", help="number of processes (default: 1)")

    command = add_command(commands, "runs", _runs, "List the runs below a folder, the best validation score first.")
    command.add_argument("folder", metavar="DIR", help="folder with runs at any depth, also those of folds and trials")
    command.add_argument("--json", action="store_true", help="print all that is known of each run as JSON")


def _train(options: argparse.Namespace) -> None:
    from medzoo.data import read

    recipe = chosen_recipe(options)
    samples = read(options.data)

    from medzoo.training.entries import train_entry

    run = Path(options.output)
    pushes = _pushes(options, run, recipe)
    # Of several processes that train together, the first one writes.
    if entry := train_entry(recipe, samples, run, callbacks=pushes):
        print(f"Trained: {entry}")
        for push in pushes:
            # Of a run that was finished before, too, and with the record of how it ended.
            if push.finish():
                print(f"Pushed: {options.push_to}")


def _pushes(options: argparse.Namespace, run: Path, recipe: Recipe) -> list[PushCheckpoints]:
    """Fetch what another machine has pushed of this run, and return what pushes from here."""
    if options.push_to is None:
        if options.push_every is not None:
            raise ValueError("--push-every needs the repository to push to: --push-to OWNER/NAME")
        return []
    from medzoo.hub.checkpoints.pull import pull_run
    from medzoo.hub.checkpoints.push import PushCheckpoints

    if epoch := pull_run(options.push_to, run, recipe):
        print(f"Going on from epoch {epoch} of {options.push_to}")
    return [PushCheckpoints(run, options.push_to, 5 if options.push_every is None else options.push_every)]


def _crossval(options: argparse.Namespace) -> None:
    from medzoo.data import read

    recipe, samples = chosen_recipe(options), read(options.data)

    from medzoo.training.cross_validation import cross_validate

    run = Path(options.output)
    result = cross_validate(recipe, samples, run, options.folds, options.holdout, save=True)
    print(f"{result}\n\nTables: {run / 'crossval.json'}, {run / 'crossval.csv'}; figures: {run / 'figures'}")
    print(f"Models: {run / 'fold-1' / 'model'} to {run / f'fold-{len(result.histories)}' / 'model'}")
    print(f"Ensemble: {run / 'ensemble'}")


def _search(options: argparse.Namespace) -> None:
    if bool(options.grid) == bool(options.fractions):
        raise ValueError("Give --grid FILE to search recipe values, or --fractions 0.1,0.3,1 for a learning curve.")

    unfit = [name for name in (_GRID_ONLY if options.fractions else ("seeds",)) if getattr(options, name)]
    if unfit:
        raise ValueError(
            f"--{unfit[0]} goes with {'--grid' if options.fractions else '--fractions'} only. Leave it out."
        )

    from medzoo.data import read
    from medzoo.training.entries import best_entry

    recipe = chosen_recipe(options)
    samples = read(options.data)
    search = _curve(options, recipe, samples) if options.fractions else _grid(options, recipe, samples)
    print(f"{search}\n-> {search.folder / 'trials.csv'}")
    print(f"Best: {best_entry(search, samples)}")


def _grid(options: argparse.Namespace, recipe: Recipe, samples: Samples) -> Search:
    from medzoo.training.search.plan import Grid
    from medzoo.training.search.run import search

    chosen = {name: getattr(options, name) for name in ("workers", *_GRID_ONLY) if getattr(options, name)}
    return search(recipe, samples, options.output, Grid.load(options.grid), **chosen)


def _curve(options: argparse.Namespace, recipe: Recipe, samples: Samples) -> Search:
    from medzoo.training.search.run import learning_curve

    return learning_curve(recipe, samples, options.output, options.fractions, options.seeds or 1, options.workers)


def _folds(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


def _runs(options: argparse.Namespace) -> None:
    import json

    from medzoo.training.runs import find_runs, runs_table

    runs = find_runs(options.folder)
    if options.json:
        print(json.dumps([{"path": str(run.folder), **run.record} for run in runs], indent=2))
        return
    print(runs_table(runs))
    if testable := [run for run in runs if (run.folder / "model").is_dir()]:
        print(f"\nTest one by its name: medzoo evaluate {testable[0].folder} --data DIR -o OUT")
