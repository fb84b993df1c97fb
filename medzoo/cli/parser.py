"""What every command of the command line has."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from medzoo.errors import printable

NAME = "name of a model, owner/name on the Hub (owner/name@v1 for a version), or folder of a zoo entry or a run"
RECIPE = "a recipe.json, or the name of a model whose recipe to take"
SPLIT = "train, valid or test: this part only, as the data says or else the recipe; or the name of all of DATA"
DATA = "COCO file, table, folder, tfds:NAME or packed .h5; options behind it, for example table.csv:label=diagnosis"


_FIXES = {
    errno.EACCES: "Change its permissions, or choose another path.",
    errno.EPERM: "Change its permissions, or choose another path.",
    errno.EISDIR: "Give a file.",
    errno.EEXIST: "Choose another path.",
    errno.ENOTDIR: "A part of the path is a file; choose another one.",
    errno.ENAMETOOLONG: "Give the file a shorter name.",
}


def shown(text: object) -> str:
    """Return a text in one line, without what a terminal would obey; bytes of a name that are no letters are told."""
    return printable(str(text).encode("utf-8", "backslashreplace").decode())


def add_command(commands: argparse._SubParsersAction, name: str, run: Callable, text: str) -> argparse.ArgumentParser:
    """Add a command that calls `run(options)`, with `text` as its help, and return its parser."""
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(command=run)
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def one_line(error: BaseException) -> str:
    """Return the message of an error in one line, and the items of a list in one each."""
    if isinstance(error, OSError) and error.strerror:
        fix = _FIXES.get(error.errno or 0, "Check the path and the free space.")
        return shown(f"{error.filename or ''}: {error.strerror}. {fix}".removeprefix(": "))
    if isinstance(error, MemoryError):
        return f"Not enough memory: {error}".rstrip(": ") + ". Use a smaller scan or batch."
    items = map(shown, str(error).split("\n- "))
    return "\n- ".join(items) or type(error).__name__


class PlainText:
    """A stream to which text comes without what a terminal would obey, whoever wrote it.

    Args:
        stream: The stream.
    """

    def __init__(self, stream: TextIO):
        # By this name rich finds where its own colours and bars go.
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        """Write what is left of a text."""
        return self.rich_proxied_file.write(printable(text, lines=True))

    def __getattr__(self, name: str) -> Any:
        """Return all else of the stream."""
        return getattr(self.rich_proxied_file, name)


class SomeFailed(ValueError):  # noqa: N818
    """Some scans failed, and each was named; the others were done."""


class Skipped:
    """Keeps the scans of a folder that fail, and says why in a line each."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def __call__(self, source: Any, error: Exception) -> None:
        """Keep a scan."""
        name, text = str(getattr(source, "source", source)), one_line(error)
        # Not every library names the file.
        text = text if os.path.basename(name) in text else f"{name}: {text}"
        self.rows.append({"source": name, "error": text})
        print(f"medzoo: skipped: {text}", file=sys.stderr)

    def refuse(self, done: str) -> None:
        """Raise an error at the end if a scan was skipped; `done` is what happened to the others."""
        if self.rows:
            raise SomeFailed(
                f"{len(self.rows)} scans could not be read or answered and were skipped; the others were {done}."
            )


def as_several(answers: Any) -> Iterator[Any]:
    """Return an iterator over answers, also over a single one."""
    return answers if isinstance(answers, Iterator) else iter([answers])
