"""`medzoo search`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from medzoo.cli.parser import DATA, add_command
from medzoo.cli.parts import add_recipe, chosen_recipe

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.recipe import Recipe
    from medzoo.training.search.record import Search

# Options that mean nothing for a learning curve.
_GRID_ONLY = ("sampler", "trials", "prune")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo search`."""
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


def _search(options: argparse.Namespace) -> None:
    if bool(options.grid) == bool(options.fractions):
        raise ValueError("Give --grid FILE to search recipe values, or --fractions 0.1,0.3,1 for a learning curve.")

    unfit = [name for name in (_GRID_ONLY if options.fractions else ("seeds",)) if getattr(options, name)]
    if unfit:
        raise ValueError(
            f"--{unfit[0]} goes with {'--grid' if options.fractions else '--fractions'} only. Leave it out."
        )

    from medzoo.data import read

    recipe = chosen_recipe(options)
    samples = read(options.data)
    found = _curve(options, recipe, samples) if options.fractions else _grid(options, recipe, samples)
    print(f"{found}\n-> {found.folder / 'trials.csv'}")

    from medzoo.training.entries import best_entry

    print(f"Best: {best_entry(found, samples)}")


def _grid(options: argparse.Namespace, recipe: Recipe, samples: Samples) -> Search:
    from medzoo.training.search.grid import Grid
    from medzoo.training.search.run import search

    given = {name: getattr(options, name) for name in ("workers", *_GRID_ONLY) if getattr(options, name)}
    return search(recipe, samples, options.output, Grid.load(options.grid), **given)


def _curve(options: argparse.Namespace, recipe: Recipe, samples: Samples) -> Search:
    from medzoo.training.search.run import learning_curve

    given = {"seeds": options.seeds or 1, "workers": options.workers}
    return learning_curve(recipe, samples, options.output, options.fractions, **given)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]
