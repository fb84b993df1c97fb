"""The command line: each command parses its arguments and calls what Python users call."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from medzoo import __version__
from medzoo.cli import data, evaluate, features, models, predict, recipe, train
from medzoo.cli.parser import one_line

# What a user can cause and mend: shown as one line. Everything else is a bug and keeps its traceback.
USER_ERRORS = (ValueError, TypeError, OSError, ImportError, ArithmeticError, RuntimeError)
GROUPS = (models, recipe, predict, train, evaluate, features, data)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 wrong input, 130 interrupted."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        options.command(options)
    except USER_ERRORS as error:
        if options.debug:
            raise
        print(f"medzoo: error: {one_line(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="medzoo", description="A Keras 3 model zoo for medical images.")
    parser.add_argument("--version", action="version", version=f"medzoo {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add_commands(commands)
    return parser
