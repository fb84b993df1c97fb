"""The command that serves the page."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import add_command

_PORT, _MOST_UPLOAD = 7860, 2048


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
    command = add_command(commands, "app", _app, "Use the models in the browser, without Python.")
    text = "address to listen at; others than 127.0.0.1 are reached from other machines (default: 127.0.0.1)"
    command.add_argument("--host", default="127.0.0.1", help=text)
    command.add_argument("--port", type=int, default=_PORT, help=f"port (default: {_PORT})")
    text = f"largest upload in MB (default: {_MOST_UPLOAD})"
    command.add_argument("--max-upload", type=int, default=_MOST_UPLOAD, metavar="MB", help=text)


def _app(options: argparse.Namespace) -> None:
    if not 0 < options.port < 2**16 or options.max_upload < 1:
        raise ValueError("--port must be from 1 to 65535, and --max-upload at least 1 MB.")
    from medzoo.app.serve import run

    run(
        options.host,
        options.port,
        options.max_upload,
        lambda address: print(f"-> {address} (stop with Ctrl+C)", flush=True),
    )
