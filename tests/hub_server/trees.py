"""Endpoints: the files and folders of a commit."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from tests.hub_server.git import Row
from tests.hub_server.messages import HttpError, Request
from tests.hub_server.repository import Repository
from tests.hub_server.times import iso


def tree(request: Request, kind: str, name: str, revision: str, path: str | None) -> Any:
    """The content of a folder."""
    repository = request.readable(kind, name)
    commit = repository.resolve(revision)
    prefix = f"{path.strip('/')}/" if path else ""
    rows = [row for row in repository.rows(commit) if row.path.startswith(prefix)]
    if prefix and not rows:
        raise HttpError(404, f"{path} does not exist on {revision}", "EntryNotFound")
    if not request.flag("recursive"):
        rows = [row for row in rows if "/" not in row.path.removeprefix(prefix)]
    return [_describe(repository, row, commit, request.flag("expand")) for row in rows]


def paths(request: Request, kind: str, name: str, revision: str) -> Any:
    """What is at these paths; those at which nothing is are left out."""
    repository = request.readable(kind, name)
    commit = repository.resolve(revision)
    form = "form" in request.headers.get("Content-Type", "")
    asked = parse_qs(request.body.decode()) if form else request.json
    wanted = {path.strip("/") for path in asked.get("paths", [])}
    expand = asked.get("expand") in (["true"], ["True"], True)
    return [_describe(repository, row, commit, expand) for row in repository.rows(commit) if row.path in wanted]


def _describe(repository: Repository, row: Row, commit: str, expand: bool) -> dict[str, Any]:
    facts = {"type": row.type, "oid": row.oid, "size": row.size, "path": row.path}
    if row.lfs:
        facts["lfs"] = row.lfs
    if expand:
        last = repository.history(commit, row.path)[0]
        facts["lastCommit"] = {"id": last["id"], "title": last["title"], "date": iso(last["time"])}
    return facts
