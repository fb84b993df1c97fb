"""`medzoo runs`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from medzoo.cli.parser import add_command

if TYPE_CHECKING:
    from medzoo.training.runs import Run


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo runs`."""
    command = add_command(commands, "runs", _runs, "List the runs below a folder, the best validation score first.")
    command.add_argument("folder", metavar="DIR", help="folder with runs at any depth, also those of folds and trials")
    command.add_argument("--json", action="store_true", help="print all that is known of each run as JSON")


def _runs(options: argparse.Namespace) -> None:
    import json

    from medzoo.evaluation.tables import align
    from medzoo.training.runs import find_runs

    runs = find_runs(options.folder)
    if options.json:
        print(json.dumps([{"path": str(run.folder), **run.record} for run in runs], indent=2))
        return
    print("\n".join(align([("run", "status", "score", "", "epochs", "time", "date"), *map(_row, runs)])))
    if testable := [run for run in runs if (run.folder / "model").is_dir()]:
        print(f"\nTest one by its name: medzoo evaluate {testable[0].folder} --data DIR -o OUT")


def _row(run: Run) -> tuple[str, ...]:
    from medzoo.evaluation.tables import number
    from medzoo.progress import duration

    record = run.record
    return (
        str(run.folder),
        record["status"],
        number(run.score),
        record["score_name"],
        f"{record['epochs']}/{record['epochs_at_most']}",
        duration(record["seconds"]),
        record["date"][:16].replace("T", " "),
    )
