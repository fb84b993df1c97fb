"""Endpoints: the content of files."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.hub_server.messages import Answer, Download, HttpError, Request


def resolve(request: Request, prefix: str | None, name: str, revision: str, path: str) -> Any:
    """Where a file is, and which: large files are at another origin."""
    repository = request.readable(prefix or "models", name)
    commit = repository.resolve(revision)
    row = repository.row(commit, path)
    headers = {"X-Repo-Commit": commit}
    if row is None or row.type != "file":
        raise HttpError(404, "Entry not found", "EntryNotFound", headers=headers)
    headers |= {"X-Linked-Size": str(row.size), "X-Linked-Etag": f'"{row.etag}"', "Accept-Ranges": "bytes"}
    if row.lfs:
        return Answer(302, headers={**headers, "Location": f"{request.server.files_url}/{row.etag}"})
    cached = quote(f"/api/resolve-cache/{repository.kind}/{name}/{commit}/{path}")
    return Answer(307, headers={**headers, "Location": cached})


def small_file(request: Request, kind: str, name: str, commit: str, path: str) -> Any:
    """A file that stands in git."""
    repository = request.readable(kind, name)
    row = repository.row(commit, path)
    if row is None:
        raise HttpError(404, "Entry not found", "EntryNotFound")
    headers = {"X-Repo-Commit": commit, "ETag": f'"{row.oid}"'}
    return Download.part(repository.content(row), request.headers.get("Range", ""), headers)


def large_file(request: Request, sha256: str) -> Any:
    """A large file; whoever sends a token here would send it to strangers."""
    if "Authorization" in request.headers:
        raise HttpError(400, "The token was sent to another origin.")
    path = request.server.large_file(sha256)
    if not path.is_file():
        raise HttpError(404, "no such object")
    return Download.part(path.read_bytes(), request.headers.get("Range", ""), {"ETag": f'"{sha256}"'})
