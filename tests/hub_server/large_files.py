"""Endpoints: how large files get to the Hub, which is the protocol of git LFS."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.hub_server.messages import Answer, HttpError, Request


def batch(request: Request, prefix: str | None, name: str) -> Any:
    """Where to send files to; one that is there has no actions."""
    request.writable(prefix or "models", name)
    objects = [_offer(request, wanted["oid"], wanted["size"]) for wanted in request.json["objects"]]
    answer = Answer.of({"transfer": "basic", "objects": objects})
    return Answer(200, answer.body, content_type="application/vnd.git-lfs+json")


def receive(request: Request, sha256: str) -> Any:
    """Take the content of a file."""
    if hashlib.sha256(request.body).hexdigest() != sha256:
        raise HttpError(400, "sha256 mismatch")
    path = request.server.large_file(sha256)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(request.body)
    return Answer()


def verify(request: Request) -> Any:
    """Whether a file has arrived."""
    path = request.server.large_file(request.json["oid"])
    if not path.is_file() or path.stat().st_size != request.json["size"]:
        raise HttpError(404, "object not found")
    return {}


def _offer(request: Request, sha256: str, size: int) -> dict[str, Any]:
    if request.server.large_file(sha256).is_file():
        return {"oid": sha256, "size": size}
    url = request.server.url
    actions = {"upload": {"href": f"{url}/lfs/{sha256}", "header": {}}, "verify": {"href": f"{url}/lfs-verify"}}
    return {"oid": sha256, "size": size, "actions": actions}
