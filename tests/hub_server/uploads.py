"""Endpoints: commits."""

from __future__ import annotations

import base64
import json
import os
import time
from fnmatch import fnmatch
from typing import Any

from tests.hub_server.git import POINTER
from tests.hub_server.messages import HttpError, Request
from tests.hub_server.refs import BRANCHES, PULL_REQUESTS
from tests.hub_server.repository import LARGE, Repository

LARGE_SIZE = 10 * 2**20


def preupload(request: Request, kind: str, name: str, revision: str) -> Any:
    """How each file is to be sent, and what is there in its place."""
    repository = request.writable(kind, name)
    commit = repository.resolve(revision)
    present = {row.path: row.etag for row in repository.rows(commit) if row.type == "file"}
    ignored = [line for line in request.json.get("gitIgnore", "").split() if not line.startswith("#")]
    files = [
        {
            "path": file["path"],
            "uploadMode": "lfs" if _is_large(file) else "regular",
            "shouldIgnore": any(fnmatch(file["path"], pattern) for pattern in ignored),
            "oid": present.get(file["path"]),
        }
        for file in request.json["files"]
    ]
    return {"files": files, "commitOid": commit}


def commit(request: Request, kind: str, name: str, revision: str) -> Any:
    """Commit to a branch, or to a new pull request."""
    user, repository = request.known_user(), request.writable(kind, name)
    lines = [json.loads(line) for line in request.body.splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    new_pull_request = "create_pr" in request.query
    parent = _parent(repository, revision, header.get("parentCommit"), new_pull_request)
    changes = dict(_change(request, repository, parent, **line) for line in lines if line["key"] != "header")
    page = f"{request.server.url}/{repository.page}"
    answer = {"success": True, "hookOutput": ""}
    ref = revision if revision.startswith("refs/") else BRANCHES + revision
    if new_pull_request:
        number = _add_pull_request(repository, header["summary"], user)
        ref = f"{PULL_REQUESTS}{number}"
        answer["pullRequestUrl"] = f"{page}/discussions/{number}"
    message = "\n\n".join(filter(None, (header["summary"], header.get("description"))))
    oid = repository.commit(ref, parent, changes, message, user)
    return {**answer, "commitOid": oid, "commitUrl": f"{page}/commit/{oid}"}


def _is_large(file: dict[str, Any]) -> bool:
    binary = b"\0" in base64.b64decode(file.get("sample", ""))
    return binary or file["size"] > LARGE_SIZE or file["path"].lower().endswith(LARGE)


def _parent(repository: Repository, revision: str, expected: str | None, new_pull_request: bool) -> str:
    if new_pull_request:
        return repository.resolve(expected or revision)
    ref = revision if revision.startswith(PULL_REQUESTS) else BRANCHES + revision
    parent = repository.resolve(ref)
    if expected and not parent.startswith(expected):
        raise HttpError(412, "A commit has happened since. Please refresh and try again.")
    return parent


def _change(request: Request, repository: Repository, parent: str, key: str, value: dict[str, Any]) -> tuple:
    path = value["path"].rstrip("/")
    if key == "file":
        return path, base64.b64decode(value["content"])
    if key == "lfsFile":
        return path, _pointer(request, repository, path, value["oid"])
    if key in ("deletedFile", "deletedFolder") and repository.row(parent, path):
        return path, None
    raise HttpError(404, "A file with this name doesn't exist", "EntryNotFound")


def _pointer(request: Request, repository: Repository, path: str, sha256: str) -> bytes:
    """Return what git stores for a large file, which is put where git LFS has it."""
    source = request.server.large_file(sha256)
    if not source.is_file():
        raise HttpError(400, f"LFS pointer points to a file that does not exist: {path}")
    target = repository.folder / "lfs" / "objects" / sha256[:2] / sha256[2:4] / sha256
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        os.link(source, target)
    return POINTER.format(sha256=sha256, size=source.stat().st_size).encode()


def _add_pull_request(repository: Repository, title: str, author: str) -> int:
    facts = repository.facts()
    number = len(facts["pull_requests"]) + 1
    pull_request = {"num": number, "title": title, "author": author, "created": time.time(), "status": "open"}
    repository.write_facts({**facts, "pull_requests": [*facts["pull_requests"], pull_request]})
    return number
