"""What the stand-in is asked, and what it answers."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.hub_server.repository import Repository
    from tests.hub_server.server import Server


class HttpError(Exception):
    """An answer in place of the one that was asked for; the client makes its exception of the code.

    Args:
        status: HTTP status.
        message: What the client shows.
        code: `"RepoNotFound"`, `"RevisionNotFound"`, `"EntryNotFound"`.
        headers: Others.
        content: What stands in the body beside the message.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        content: Mapping[str, Any] | None = None,
    ):
        super().__init__(message)
        codes = {"X-Error-Code": code} if code else {}
        # A header is one line of Latin-1.
        line = " ".join(message.split()).encode("latin-1", "replace").decode("latin-1")
        headers = {"X-Error-Message": line, **codes, **(headers or {})}
        self.answer = Answer.of({"error": message, **(content or {})}, status, headers)


@dataclass(frozen=True)
class Answer:
    """An answer.

    Args:
        status: HTTP status.
        body: What follows the headers.
        headers: Others than the type and the length of the body.
        content_type: The type.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"

    @classmethod
    def of(cls, content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
        """Return an answer of JSON."""
        return cls(status, json.dumps(content).encode(), headers or {})


@dataclass(frozen=True)
class Download(Answer):
    """The content of a file, which is cut where connections are dropped."""

    content_type: str = "application/octet-stream"

    @classmethod
    def part(cls, content: bytes, asked: str, headers: Mapping[str, str]) -> Answer:
        """Return the bytes of a `Range` header, or all."""
        total = len(content)
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", asked)
        if span is None:
            return cls(200, content, {**headers, "Accept-Ranges": "bytes"})
        first, last = int(span[1]), min(int(span[2] or total), total - 1)
        if first >= total:
            return Answer(416, headers={"Content-Range": f"bytes */{total}"})
        return cls(206, content[first : last + 1], {**headers, "Content-Range": f"bytes {first}-{last}/{total}"})


@dataclass(frozen=True)
class Request:
    """A request.

    Args:
        server: Who got it.
        query: Values of every name behind the question mark.
        headers: Its headers.
        body: What follows them.
    """

    server: Server
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body."""
        return json.loads(self.body or b"{}")

    def flag(self, name: str) -> bool:
        """Return whether the query says `name=true`."""
        return self.query.get(name, ["false"])[0].lower() in ("true", "1")

    def user(self) -> str | None:
        """Return who asks, by the token; None is anybody."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if token and token not in self.server.users:
            raise HttpError(401, "Invalid credentials in Authorization header")
        return self.server.users.get(token)

    def known_user(self) -> str:
        """Return who asks, who must have a token."""
        user = self.user()
        if user is None:
            raise HttpError(401, "Invalid username or password.")
        return user

    def readable(self, kind: str, name: str) -> Repository:
        """Return a repository that the user may read; a private one is not there for others."""
        user, repository = self.user(), self.server.repository(kind, name)
        if not repository.exists() or not repository.shown_to(user):
            raise HttpError(404 if user else 401, "Repository not found", "RepoNotFound")
        return repository

    def writable(self, kind: str, name: str) -> Repository:
        """Return a repository that the user may write to."""
        user, repository = self.known_user(), self.readable(kind, name)
        if user != repository.owner:
            raise HttpError(403, f"{user} has no right to write to {name}.")
        return repository
