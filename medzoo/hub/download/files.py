"""The way of single files from the Hub into the cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.entry import MANIFEST, read_manifest, sha256, size_limit
from medzoo.errors import IntegrityError
from medzoo.hub.connection import hub_errors

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

# An entry has some ten files beside its figures; of a repository with very many, no more are looked at.
_MOST_FILES = 1000


class Download:
    """Files of one commit, each of which takes its name in the cache when it is whole and is what it must be.

    Sizes are asked for first, so that nothing that is too large is downloaded. What arrives lies in a folder beside
    that of the commit, which is deleted at the end.

    Args:
        repo: Repository on the Hub.
        folder: Folder in the cache, named by the commit; to be used by one process at a time.
    """

    def __init__(self, repo: str, folder: Path):
        self.repo, self.folder = repo, folder
        self._staging = folder.with_name(f".{folder.name}")
        self._advice = f"Not all that is needed is in the cache {folder}. Try again: what has arrived is kept."
        self._listed: dict[str, RepoFile] = {}

    def __enter__(self) -> Download:
        self._listed = self._list()
        return self

    def __exit__(self, *_: Any) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)

    def manifest(self) -> None:
        """Fetch `medzoo.json`, which vouches for all other files.

        Raises:
            FileNotFoundError: The repository has none.
            IntegrityError: It is too large, or `read_manifest` refuses it.
        """
        if MANIFEST not in self._listed:
            raise FileNotFoundError(
                f"The repository {self.repo} holds no zoo entry: it has no {MANIFEST} at {self.folder.name}. Write one "
                "with medzoo.publish, or load it with the library that it was made for."
            )
        if (size := self._listed[MANIFEST].size) > size_limit(MANIFEST):
            raise IntegrityError(
                f"{MANIFEST} of {self.repo} is too large: expected at most {size_limit(MANIFEST):,} bytes. Received: "
                f"{size:,}. It was not downloaded."
            )
        self._receive(MANIFEST)
        read_manifest(self._staging)
        self._keep(MANIFEST)

    def file(self, name: str, promised: Mapping[str, Any]) -> None:
        """Fetch a file.

        Args:
            name: A name that the manifest lists.
            promised: Its sha256 and size.

        Raises:
            FileNotFoundError: The repository does not have it.
            IntegrityError: It has another sha256 or size.
        """
        if name not in self._listed:
            raise FileNotFoundError(f"{self.repo} lacks the file {name}, which its {MANIFEST} lists. Tell its author.")
        size, stored = self._listed[name].size, self._listed[name].lfs
        if size != promised["size"] or (stored and stored.sha256 != promised["sha256"]):
            raise self._refused(name, promised, f"{size} bytes, sha256 {stored.sha256 if stored else 'unknown'}")
        self._receive(name)
        if not is_whole(self._staging / name, promised):
            raise self._refused(name, promised, f"sha256 {sha256(self._staging / name)}")
        self._keep(name)

    def _list(self) -> dict[str, RepoFile]:
        from huggingface_hub import HfApi, RepoFile

        with hub_errors(self.repo, self._advice):
            items = list(islice(HfApi().list_repo_tree(self.repo, revision=self.folder.name), _MOST_FILES))
        return {item.path: item for item in items if isinstance(item, RepoFile)}

    def _receive(self, name: str) -> None:
        from huggingface_hub import hf_hub_download

        with hub_errors(self.repo, self._advice):
            hf_hub_download(self.repo, name, revision=self.folder.name, local_dir=self._staging)

    def _keep(self, name: str) -> None:
        os.replace(self._staging / name, self.folder / name)

    def _refused(self, name: str, promised: Mapping[str, Any], received: str) -> IntegrityError:
        return IntegrityError(
            f"{name} of {self.repo} is not the file that its {MANIFEST} promises: expected {promised['size']} bytes, "
            f"sha256 {promised['sha256']}. Received: {received}. It was not kept; try again, or tell its author."
        )


def is_whole(path: Path, promised: Mapping[str, Any]) -> bool:
    """Return whether a file is there with the sha256 and size that the manifest promises."""
    return path.is_file() and path.stat().st_size == promised["size"] and sha256(path) == promised["sha256"]
