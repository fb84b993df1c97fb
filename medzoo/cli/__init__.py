"""The command line: each command parses its arguments and calls what Python users call."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from medzoo import __version__
from medzoo.cli import app, data, evaluate, features, models, predict, recipe, report, train
from medzoo.cli.parser import PlainText, SomeFailed, one_line, shown
from medzoo.cli.quiet import quiet_import
from medzoo.cli.words import in_cli_words

# What a user can cause and mend: shown as one line. Everything else is a bug and keeps its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, RuntimeError)
GROUPS = (models, recipe, predict, report, app, train, evaluate, features, data)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 all well, 1 some scans failed, 2 wrong input, 130 interrupted, 141 no reader."""
    _speak_plainly()
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(PlainText(sys.stdout)):  # type: ignore[type-var]
            warnings.showwarning = partial(_warn, options)  # type: ignore[assignment]
            options.command(options)
        # A closed pipe is noticed here, not when the interpreter ends.
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
    except SomeFailed as error:
        print(f"medzoo: {error}", file=sys.stderr)
        sys.exit(1)
    except USER_ERRORS as error:
        if options.debug:
            raise
        print(f"medzoo: error: {in_cli_words(one_line(error), options)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _warn(options: argparse.Namespace, message: Warning | str, category: type[Warning], *place: object) -> None:
    """Show a warning in one line, without the place in the library that gave it."""
    # Those of other libraries are for developers, but for a scan that is read in spite of a fault.
    if issubclass(category, UserWarning):
        print(f"medzoo: warning: {in_cli_words(shown(message), options)}", file=sys.stderr)


def _speak_plainly() -> None:
    """Write any file name to the terminal, a warning in one line, and no log of libraries."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    quiet_import()


def _leave_pipe() -> NoReturn:
    """End as a program does that the signal SIGPIPE ends, such as behind `| head -1`."""
    # What is still to be written would raise again when the interpreter ends.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(141)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medzoo", description="A Keras 3 model zoo for medical images.")
    parser.add_argument("--version", action="version", version=f"medzoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add_commands(commands)
    return parser
