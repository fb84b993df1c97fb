"""What every command of the command line has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from medzoo.errors import printable

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
        return printable(
            f"{error.filename or ''}: {error.strerror}. Check the path and the free space.".removeprefix(": ")
        )
    items = (printable(item) for item in str(error).split("\n- "))
    return "\n- ".join(items) or type(error).__name__


class Skipped:
    """Counts the scans of a folder that cannot be read, and says why in a line each."""

    def __init__(self):
        self.count = 0

    def __call__(self, source: Any, error: Exception) -> None:
        """Count a scan."""
        self.count += 1
        print(f"medzoo: skipped: {one_line(error)}", file=sys.stderr)

    def refuse(self, done: str) -> None:
        """Raise an error at the end if a scan was skipped; `done` is what happened to the others."""
        if self.count:
            raise ValueError(f"{self.count} scans could not be read and were skipped; the others were {done}.")


def as_several(answers: Any) -> Iterator[Any]:
    """Return an iterator over answers, also over a single one."""
    return answers if isinstance(answers, Iterator) else iter([answers])
