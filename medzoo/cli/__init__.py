"""The command line: each command parses its arguments and calls what Python users call."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from medzoo import __version__
from medzoo.cli import data, evaluate, features, models, predict, recipe, train
from medzoo.cli.parser import one_line
from medzoo.cli.words import in_cli_words

# What a user can cause and mend: shown as one line. Everything else is a bug and keeps its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, RuntimeError)
GROUPS = (models, recipe, predict, train, evaluate, features, data)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = partial(_warn, options)
            options.command(options)
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
    print(f"medzoo: warning: {in_cli_words(str(message), options)}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medzoo", description="A Keras 3 model zoo for medical images.")
    parser.add_argument("--version", action="version", version=f"medzoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add_commands(commands)
    return parser
