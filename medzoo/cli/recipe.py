"""`medzoo recipe`."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import RECIPE, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo recipe`."""
    text = "Print a recipe to begin with: that of a model, without its scores and the words of its card."
    command = add_command(commands, "recipe", _recipe, text)
    command.add_argument("recipe", metavar="RECIPE", nargs="?", help=RECIPE)
    command.add_argument("--schema", action="store_true", help="print the JSON Schema of recipes instead")


def _recipe(options: argparse.Namespace) -> None:
    import json

    from medzoo.cli.parts import load_recipe
    from medzoo.recipe import schema

    if options.schema == (options.recipe is not None):
        raise ValueError("Give the name of a model or a recipe.json whose recipe to print, or --schema.")
    value = schema() if options.schema else load_recipe(options.recipe).to_begin_with().to_json()
    print(json.dumps(value, indent=2, ensure_ascii=False))
