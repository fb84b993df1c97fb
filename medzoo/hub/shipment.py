"""A zoo entry to send, against the files of a repository."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.entry import CARD, MANIFEST, read_manifest, sha256

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, RepoFile


@dataclass(frozen=True)
class Shipment:
    """A zoo entry to send.

    Args:
        folder: The entry.
        message: Of the commit; its first line is the title.
        uncompared: Files that have other bytes whenever they are written; where all others are, these are taken to be.
    """

    folder: Path
    message: str
    uncompared: Collection[str] = ()

    @property
    def names(self) -> set[str]:
        """Names of the files that are sent: the manifest and those that it lists."""
        return {*read_manifest(self.folder)["files"], MANIFEST}

    @property
    def title(self) -> str:
        """First line of the message."""
        return self.message.partition("\n")[0]

    @property
    def description(self) -> str:
        """The message behind its first line."""
        return self.message.partition("\n")[2].strip()

    def is_in(self, stored: Mapping[str, RepoFile]) -> bool:
        """Return whether the files of a revision are exactly those of this entry."""
        return stored.keys() == self.names and self._changed(stored) <= {*self.uncompared}

    def operations(self, stored: Mapping[str, RepoFile]) -> list[CommitOperationAdd | CommitOperationDelete]:
        """Return what makes the files of a revision those of this entry.

        Raises:
            ValueError: They are of a model that medzoo did not write.
        """
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        foreign = stored.keys() - {CARD}
        if foreign and MANIFEST not in stored:
            raise ValueError(
                f"The repository holds a model that medzoo did not write: it has {min(foreign)} and no {MANIFEST}. "
                "Choose another `repo_id`, or delete its files first. Nothing was sent."
            )
        additions = [CommitOperationAdd(name, self.folder / name) for name in sorted(self._changed(stored))]
        return [*additions, *(CommitOperationDelete(name) for name in sorted(stored.keys() - self.names))]

    def _changed(self, stored: Mapping[str, RepoFile]) -> set[str]:
        # huggingface_hub skips unchanged files, too, but of the large ones not before it has asked to send them.
        return {name for name in self.names if name not in stored or not _is_same(stored[name], self.folder / name)}


def _is_same(stored: RepoFile, path: Path) -> bool:
    if stored.size != path.stat().st_size:
        return False
    if stored.lfs:
        return stored.lfs.sha256 == sha256(path)
    content = path.read_bytes()
    # The name that git gives to a file.
    return stored.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
