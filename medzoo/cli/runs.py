"""`medzoo runs`."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo runs`."""
    command = add_command(commands, "runs", _runs, "List the runs below a folder, the best validation score first.")
    command.add_argument("folder", metavar="DIR", help="folder with runs at any depth, also those of folds and trials")
    command.add_argument("--json", action="store_true", help="print all that is known of each run as JSON")


def _runs(options: argparse.Namespace) -> None:
    import json

    from medzoo.training.runs import find_runs, runs_table

    runs = find_runs(options.folder)
    if options.json:
        print(json.dumps([{"path": str(run.folder), **run.record} for run in runs], indent=2))
        return
    print(runs_table(runs))
    if testable := [run for run in runs if (run.folder / "model").is_dir()]:
        print(f"\nTest one by its name: medzoo evaluate {testable[0].folder} --data DIR -o OUT")
