"""`medzoo publish`."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo publish`."""
    command = add_command(commands, "publish", _publish, "Publish a zoo entry with its card to the Hugging Face Hub.")
    command.add_argument("folder", metavar="FOLDER", help="folder of a zoo entry or of a run")
    command.add_argument("repo_id", metavar="OWNER/NAME", help="repository on the Hub; made if there is none")
    command.add_argument("--private", action="store_true", help="make the repository private, or refuse a public one")
    command.add_argument("--revision", metavar="BRANCH", help="branch to commit to (default: main)")
    command.add_argument("--tag", help="name of this version, for example v1")
    command.add_argument("--create-pr", action="store_true", help="propose it in a pull request")
    command.add_argument("--evaluation", metavar="RUN", help="folder that medzoo evaluate wrote")


def _publish(options: argparse.Namespace) -> None:
    from medzoo.hub.publish import publish

    done = publish(
        options.folder,
        options.repo_id,
        options.private,
        options.revision,
        options.tag,
        options.create_pr,
        options.evaluation,
    )
    print(f"Published: {done.pull_request or done.url}\nCommit: {done.commit}")
    if done.tag:
        print(f"Tag: {done.tag}")
