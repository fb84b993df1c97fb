"""Endpoints: pull requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.hub_server.messages import HttpError, Request
from tests.hub_server.refs import BRANCHES, PULL_REQUESTS
from tests.hub_server.repository import Repository
from tests.hub_server.times import iso


def show_all(request: Request, kind: str, name: str) -> Any:
    """All pull requests."""
    repository = request.readable(kind, name)
    rows = [_describe(repository, pull_request) for pull_request in repository.facts()["pull_requests"]]
    return {"discussions": rows, "count": len(rows), "start": 0}


def show(request: Request, kind: str, name: str, number: str) -> Any:
    """One pull request."""
    repository = request.readable(kind, name)
    pull_request = _find(repository.facts(), number)
    changes = {"base": f"{BRANCHES}main", "mergeCommitId": pull_request.get("merged")}
    more = {"events": [], "changes": changes, "filesWithConflicts": [], "diff": None}
    return {**_describe(repository, pull_request), **more}


def merge(request: Request, kind: str, name: str, number: str) -> Any:
    """Let main point at a pull request, if main has not moved since."""
    repository = request.writable(kind, name)
    facts = repository.facts()
    pull_request = _find(facts, number)
    head = repository.resolve(f"{PULL_REQUESTS}{number}")
    if repository.resolve("main") not in [commit["id"] for commit in repository.history(head)]:
        raise HttpError(409, "The stand-in merges by fast-forward only.")
    repository.point(f"{BRANCHES}main", head)
    pull_request |= {"status": "merged", "merged": head}
    repository.write_facts(facts)
    return {}


def _find(facts: Mapping[str, Any], number: str) -> dict[str, Any]:
    for pull_request in facts["pull_requests"]:
        if pull_request["num"] == int(number):
            return pull_request
    raise HttpError(404, "Discussion not found")


def _describe(repository: Repository, pull_request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "num": pull_request["num"],
        "title": pull_request["title"],
        "author": {"name": pull_request["author"]},
        "createdAt": iso(pull_request["created"]),
        "status": pull_request["status"],
        "isPullRequest": True,
        "repo": {"name": repository.name, "type": repository.kind.removesuffix("s")},
    }
