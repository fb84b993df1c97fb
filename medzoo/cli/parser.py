"""What every command of the command line has."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable

NAME = "name of a model, owner/name on the Hub (owner/name@v1 for a version), or folder of a zoo entry or a run"
RECIPE = "a recipe.json, or the name of a model whose recipe to take"
SPLIT = "train, valid or test: this part only, as the data says or else the recipe; or the name of all of DATA"
DATA = "COCO file, table, folder, tfds:NAME or packed .h5; options behind it, for example table.csv:label=diagnosis"


def add_command(commands: argparse._SubParsersAction, name: str, run: Callable, text: str) -> argparse.ArgumentParser:
    """Add a command that calls `run(options)`, with `text` as its help, and return its parser."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(command=run)
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def one_line(error: BaseException) -> str:
    """Return the message of an error in one line, and the items of a list in one each."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''}: {error.strerror}. Check the path and the free space.".removeprefix(": ")
    items = (" ".join(item.split()) for item in str(error).split("\n- "))
    return "\n- ".join(items) or type(error).__name__


def unused(name: str, names: set[str]) -> str:
    """Return `name`, numbered where another scan of the folder has it, such as `a.png` beside `a.jpg`."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in names else next(other for other in numbered if other not in names)
