"""A repository of the stand-in: a git repository, with the large files beside it as git LFS has them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.hub_server.git import Row, find_commit, git, is_commit, read_blob, read_history, read_rows, write_commit
from tests.hub_server.messages import HttpError

LARGE = (".bin", ".gz", ".h5", ".nii", ".npy", ".npz", ".onnx", ".pkl", ".png", ".safetensors", ".skops", ".zip")
COMMIT = re.compile(r"[0-9a-f]{40}")


class Repository:
    """A repository.

    Args:
        root: Folder of all repositories.
        kind: `"models"`, `"datasets"` or `"spaces"`.
        name: `"owner/name"`.
    """

    def __init__(self, root: Path, kind: str, name: str):
        self.kind, self.name, self.owner = kind, name, name.partition("/")[0]
        self.folder = root / kind / name / ".git"

    @property
    def page(self) -> str:
        """Path of its page."""
        return self.name if self.kind == "models" else f"{self.kind}/{self.name}"

    def exists(self) -> bool:
        """Return whether it was created."""
        return (self.folder / "hub.json").is_file()

    def create(self, private: bool) -> None:
        """Create it, with the first commit that the Hub makes."""
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "--quiet", "--initial-branch=main", "--template=")
        self.write_facts({"private": private, "created": time.time(), "pull_requests": []})
        attributes = "".join(f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE)
        self.commit("refs/heads/main", None, {".gitattributes": attributes.encode()}, "initial commit", "hub")

    def facts(self) -> dict[str, Any]:
        """Return what git does not keep: whether it is private, when it was created, its pull requests."""
        return json.loads((self.folder / "hub.json").read_text())

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Keep them."""
        (self.folder / "hub.json").write_text(json.dumps(facts))

    def shown_to(self, user: str | None) -> bool:
        """Return whether a user may see it."""
        return user == self.owner or not self.facts()["private"]

    def find(self, revision: str) -> str | None:
        """Return the commit of a branch, a tag, a `refs/...` or a commit, or None."""
        if COMMIT.fullmatch(revision):
            return revision if is_commit(self.folder, revision) else None
        if revision.startswith("refs/"):
            return find_commit(self.folder, revision)
        return find_commit(self.folder, f"refs/heads/{revision}") or find_commit(self.folder, f"refs/tags/{revision}")

    def resolve(self, revision: str) -> str:
        """Return the commit of a revision, which must be there."""
        if commit := self.find(revision):
            return commit
        raise HttpError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def rows(self, commit: str) -> tuple[Row, ...]:
        """Return all files and folders of a commit."""
        return read_rows(self.folder, commit)

    def row(self, commit: str, path: str) -> Row | None:
        """Return a file or folder of a commit, or None."""
        return next((row for row in self.rows(commit) if row.path == path), None)

    def content(self, row: Row) -> bytes:
        """Return what git has of a file."""
        return read_blob(self.folder, row.oid)

    def history(self, commit: str, path: str = ".") -> tuple[dict[str, str], ...]:
        """Return the commits that led to one and touched a path, latest first."""
        return read_history(self.folder, commit, path)

    def time(self, commit: str) -> str:
        """Return when a commit was made."""
        return self.history(commit)[0]["time"]

    def refs(self, prefix: str) -> list[dict[str, str]]:
        """Return the branches, the tags or the pull requests."""
        lines = git(self.folder, "for-each-ref", "--format=%(refname) %(objectname)", prefix).decode().splitlines()
        pairs = [line.split() for line in lines]
        return [{"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": commit} for ref, commit in pairs]

    def point(self, ref: str, commit: str | None) -> None:
        """Let a branch or tag point at a commit; None deletes it."""
        git(self.folder, "update-ref", *(["-d", ref] if commit is None else [ref, commit]))

    def commit(
        self, ref: str, parent: str | None, changes: Mapping[str, bytes | None], message: str, author: str
    ) -> str:
        """Commit files, where None deletes a file or a folder, and return the commit."""
        return write_commit(self.folder, ref, parent, changes, message, author)
