"""`medzoo prepare`."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import DATA, RECIPE, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo prepare`."""
    text = "Pack the preprocessed images of a data set into one file, to train from on any backend."
    command = add_command(commands, "prepare", _prepare, text)
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="file with the suffix .h5")
    command.add_argument("--recipe", required=True, help=RECIPE)


def _prepare(options: argparse.Namespace) -> None:
    from medzoo.cli.parts import load_recipe
    from medzoo.data import read
    from medzoo.training.data import prepare_for

    print(f"{prepare_for(load_recipe(options.recipe), read(options.data), options.output)}\n-> {options.output}")
