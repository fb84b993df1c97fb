"""Endpoints: branches, tags and commits."""

from __future__ import annotations

from typing import Any

from tests.hub_server.messages import Answer, HttpError, Request
from tests.hub_server.times import iso

BRANCHES, TAGS, PULL_REQUESTS = "refs/heads/", "refs/tags/", "refs/pr/"


def show(request: Request, kind: str, name: str) -> Any:
    """All of them."""
    repository = request.readable(kind, name)
    found = {"branches": repository.refs(BRANCHES), "tags": repository.refs(TAGS), "converts": []}
    return {**found, "pullRequests": repository.refs(PULL_REQUESTS)} if "include_prs" in request.query else found


def history(request: Request, kind: str, name: str, revision: str) -> Any:
    """The commits up to a revision."""
    repository = request.readable(kind, name)
    commits = repository.history(repository.resolve(revision))
    rows = [
        {
            "id": commit["id"],
            "title": commit["title"],
            "message": commit["message"].strip(),
            "date": iso(commit["time"]),
            "authors": [{"user": commit["author"]}],
        }
        for commit in commits
    ]
    return Answer.of(rows, headers={"X-Total-Count": str(len(rows))})


def create_tag(request: Request, kind: str, name: str, revision: str) -> Any:
    """Give a commit a tag."""
    return _create(request, kind, name, TAGS + request.json["tag"], revision)


def create_branch(request: Request, kind: str, name: str, branch: str) -> Any:
    """Begin a branch."""
    if branch.startswith("refs/"):
        raise HttpError(400, "Invalid reference for a branch")
    return _create(request, kind, name, BRANCHES + branch, request.json.get("startingPoint") or "main")


def delete_tag(request: Request, kind: str, name: str, tag: str) -> Any:
    """Delete a tag."""
    return _delete(request, kind, name, TAGS + tag)


def delete_branch(request: Request, kind: str, name: str, branch: str) -> Any:
    """Delete a branch."""
    return _delete(request, kind, name, BRANCHES + branch)


def _create(request: Request, kind: str, name: str, ref: str, revision: str) -> Any:
    repository = request.writable(kind, name)
    if repository.find(ref):
        raise HttpError(409, f"Reference update failed: {ref} already exists")
    repository.point(ref, repository.resolve(revision))
    return {}


def _delete(request: Request, kind: str, name: str, ref: str) -> Any:
    repository = request.writable(kind, name)
    repository.resolve(ref)
    repository.point(ref, None)
    return {}
