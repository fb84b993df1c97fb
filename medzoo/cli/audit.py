"""`medzoo audit`."""

from __future__ import annotations

import argparse
import sys

from medzoo.cli.parser import add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo audit`."""
    command = add_command(commands, "audit", _audit, "Find damaged, odd and equal images, and leaks between splits.")
    command.add_argument("data", metavar="DIR", help="folder of images, with or without labels; or any data set")
    command.add_argument("-o", "--output", help="folder for audit.json and suspects.png, a contact sheet")
    command.add_argument("--patient", metavar="PATTERN", help="regular expression for the patient in a file name")
    command.add_argument("--strict", action="store_true", help="exit with 1 if a patient or picture is in two splits")


def _audit(options: argparse.Namespace) -> None:
    from rich.console import Console

    from medzoo.data.audit.run import audit

    found = audit(options.data, patient=options.patient)
    Console().print(found)
    for path in found.save(options.output) if options.output else ():
        print(f"-> {path}")
    if options.strict and found.has_leak:
        sys.exit(1)
