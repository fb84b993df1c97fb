"""`medzoo recipe`, and the recipe that other commands are given."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from medzoo.cli.parser import RECIPE, add_command

if TYPE_CHECKING:
    from medzoo.recipe import Recipe


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo recipe`."""
    text = "Print a recipe to begin with: that of a model, without its scores and the words of its card."
    command = add_command(commands, "recipe", _recipe, text)
    command.add_argument("recipe", metavar="RECIPE", nargs="?", help=RECIPE)
    command.add_argument("--schema", action="store_true", help="print the JSON Schema of recipes instead")


def _recipe(options: argparse.Namespace) -> None:
    import json

    from medzoo.recipe import schema

    if options.schema == (options.recipe is not None):
        raise ValueError("Give the name of a model or a recipe.json whose recipe to print, or --schema.")
    value = schema() if options.schema else load_recipe(options.recipe).to_begin_with().to_json()
    print(json.dumps(value, indent=2, ensure_ascii=False))


def add_recipe(command: argparse.ArgumentParser) -> None:
    """Add the recipe of a command, and the options that change values of it."""
    command.add_argument("recipe", metavar="RECIPE", help=RECIPE)
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="another value of a recipe field, such as optimizer.learning_rate=0.001; may be given several times",
    )
    command.add_argument("--epochs", type=int, help="another number of epochs")
    command.add_argument("--batch-size", type=int, help="another number of images in a step")


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """Return the recipe of a command, with the values that its options change."""
    from medzoo.recipe.overrides import parse

    values = parse(options.set)
    short = {"epochs": options.epochs, "batch_size": options.batch_size}
    short["split.fraction"] = getattr(options, "fraction", None)
    short = {path: value for path, value in short.items() if value is not None}
    if twice := values.keys() & short:
        raise ValueError(f"{min(twice)} is set twice: by --set and by an option of its own. Leave one of them out.")
    values |= short
    recipe = load_recipe(options.recipe)
    return recipe.with_(values) if values else recipe


def load_recipe(name: str) -> Recipe:
    """Read a recipe by its path or by the name of a model, when a command runs."""
    from medzoo.zoo import load

    return load.load_recipe(name)
