"""Endpoints: which repositories there are, and what is known of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.hub_server.cards import read_card, tags_of
from tests.hub_server.git import Row
from tests.hub_server.messages import Answer, Request
from tests.hub_server.repository import Repository
from tests.hub_server.times import iso

PAGE_SIZE = 1000
# What a list leaves out unless all is asked for.
ONLY_IN_FULL = ("author", "lastModified", "sha", "siblings", "gated")


def list_repositories(request: Request, kind: str) -> Any:
    """A page of the repositories that the user may see and that pass all filters, latest first."""
    query, user = request.query, request.user()
    rows = [_describe(repository) for repository in _repositories(request, kind) if repository.shown_to(user)]
    rows = [row for row in rows if _passes(row, query)]
    key = query.get("sort", ["createdAt"])[0]
    rows.sort(key=lambda row: row.get(key) or row["createdAt"], reverse=True)
    start, size = int(query.get("cursor", [0])[0]), min(int(query.get("limit", [PAGE_SIZE])[0]), PAGE_SIZE)
    following = urlencode({**query, "cursor": start + size}, doseq=True)
    link = {"Link": f'<{request.server.url}/api/{kind}?{following}>; rel="next"'} if start + size < len(rows) else {}
    return Answer.of([_shorten(row, query) for row in rows[start : start + size]], headers=link)


def show(request: Request, kind: str, name: str, revision: str = "main") -> Any:
    """What is known of a repository."""
    repository = request.readable(kind, name)
    return _select(_describe(repository, revision, request.flag("blobs")), request.query)


def _repositories(request: Request, kind: str) -> list[Repository]:
    folders = sorted((request.server.folder / "git" / kind).glob("*/*"))
    return [request.server.repository(kind, "/".join(folder.parts[-2:])) for folder in folders]


def _describe(repository: Repository, revision: str = "main", blobs: bool = False) -> dict[str, Any]:
    commit = repository.resolve(revision)
    card = _card(repository, commit)
    facts = repository.facts()
    return {
        "_id": repository.name,
        "id": repository.name,
        "author": repository.owner,
        "sha": commit,
        "lastModified": iso(repository.time(commit)),
        "createdAt": iso(facts["created"]),
        "private": facts["private"],
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": tags_of(card),
        "cardData": card or None,
        "library_name": card.get("library_name"),
        "pipeline_tag": card.get("pipeline_tag"),
        "siblings": [_sibling(row, blobs) for row in repository.rows(commit) if row.type == "file"],
    }


def _card(repository: Repository, commit: str) -> dict[str, Any]:
    readme = repository.row(commit, "README.md")
    return read_card(repository.content(readme).decode(errors="replace"))[0] if readme else {}


def _sibling(row: Row, blobs: bool) -> dict[str, Any]:
    if not blobs:
        return {"rfilename": row.path}
    lfs = {"lfs": {"sha256": row.lfs["oid"], **row.lfs}} if row.lfs else {}
    return {"rfilename": row.path, "size": row.size, "blobId": row.oid, **lfs}


def _passes(row: Mapping[str, Any], query: Mapping[str, list[str]]) -> bool:
    return (
        all(tag in row["tags"] for tag in query.get("filter", []))
        and all(row["pipeline_tag"] == tag for tag in query.get("pipeline_tag", []))
        and all(row["author"] == author for author in query.get("author", []))
        and all(text.lower() in row["id"].lower() for text in query.get("search", []))
    )


def _select(row: dict[str, Any], query: Mapping[str, list[str]]) -> dict[str, Any]:
    wanted = {"_id", "id", *query.get("expand", [])}
    return {key: value for key, value in row.items() if key in wanted} if "expand" in query else row


def _shorten(row: dict[str, Any], query: Mapping[str, list[str]]) -> dict[str, Any]:
    if "expand" in query:
        return _select(row, query)
    left_out = {*(() if "full" in query else ONLY_IN_FULL), *(() if "cardData" in query else ("cardData",))}
    return {key: value for key, value in row.items() if key not in left_out}
