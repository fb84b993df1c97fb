"""`medzoo crossval`."""

from __future__ import annotations

import argparse
from pathlib import Path

from medzoo.cli.parser import DATA, add_command
from medzoo.cli.parts import add_recipe, chosen_recipe


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo crossval`."""
    command = add_command(commands, "crossval", _crossval, "Train and score every fold; run again after a kill.")
    add_recipe(command)
    command.add_argument("--data", required=True, help=f"{DATA}; its test part is held out")
    command.add_argument("-o", "--output", required=True, help="folder of the runs, tables, figures and zoo entries")
    command.add_argument("--folds", type=int, default=5, help="number of folds (default: 5)")
    command.add_argument("--holdout", type=float, default=0.0, help="fraction to hold out of data without a test part")


def _crossval(options: argparse.Namespace) -> None:
    from medzoo.data import read

    recipe, samples = chosen_recipe(options), read(options.data)

    from medzoo.training.cross_validation import cross_validate

    run = Path(options.output)
    result = cross_validate(recipe, samples, run, options.folds, options.holdout, save=True)
    print(f"{result}\n\nTables: {run / 'crossval.json'}, {run / 'crossval.csv'}; figures: {run / 'figures'}")
    print(f"Models: {run / 'fold-1' / 'model'} to {run / f'fold-{options.folds}' / 'model'}")
    print(f"Ensemble: {run / 'ensemble'}")
