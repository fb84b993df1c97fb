"""Endpoints: users, and what repositories there are."""

from __future__ import annotations

import shutil
from typing import Any

from tests.hub_server.cards import read_card
from tests.hub_server.messages import Answer, HttpError, Request
from tests.hub_server.repository import Repository


def whoami(request: Request) -> Any:
    """The user of the token."""
    user = request.known_user()
    token = {"displayName": "test", "role": "write"}
    return {"type": "user", "name": user, "fullname": user, "orgs": [], "auth": {"accessToken": token}}


def validate_card(request: Request) -> Any:
    """Whether the front matter of a README can be read."""
    _, error, warning = read_card(request.json["content"])
    found = {"errors": [{"message": error}] if error else [], "warnings": [{"message": warning}] if warning else []}
    return Answer.of(found, 400 if error else 200)


def create(request: Request) -> Any:
    """Create a repository."""
    asked = request.json
    repository = _named(request)
    if repository.owner != request.known_user():
        raise HttpError(403, f'You don\'t have the rights to create a repository under "{repository.owner}"')
    url = f"{request.server.url}/{repository.page}"
    if repository.exists():
        raise HttpError(409, "You already created this repository", content={"url": url})
    repository.create(_is_private(asked))
    return {"url": url, "name": repository.name, "id": repository.name}


def delete(request: Request) -> Any:
    """Delete a repository."""
    named = _named(request)
    repository = request.writable(named.kind, named.name)
    shutil.rmtree(repository.folder.parent)
    return {}


def move(request: Request) -> Any:
    """Rename a repository."""
    asked = request.json
    kind = asked["type"] + "s"
    source = request.writable(kind, asked["fromRepo"]).folder.parent
    target = request.server.repository(kind, asked["toRepo"]).folder.parent
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    return {}


def change_settings(request: Request, kind: str, name: str) -> Any:
    """Change whether a repository is private."""
    repository = request.writable(kind, name)
    facts = repository.facts()
    if {"visibility", "private"} & set(request.json):
        facts["private"] = _is_private(request.json)
    repository.write_facts(facts)
    return {"private": facts["private"]}


def _named(request: Request) -> Repository:
    asked = request.json
    owner = asked.get("organization") or request.known_user()
    return request.server.repository(asked.get("type", "model") + "s", f"{owner}/{asked['name']}")


def _is_private(asked: dict[str, Any]) -> bool:
    return asked.get("visibility") == "private" or bool(asked.get("private"))
