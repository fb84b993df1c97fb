"""Zoo entries of the Hub in the cache: only the files that are needed, each checked before it is used."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from medzoo.entry import CARD, MANIFEST, is_whole, needed_files, read_manifest, sha256, size_limit
from medzoo.errors import IntegrityError
from medzoo.zoo.download.connection import hub_errors
from medzoo.zoo.download.revisions import origin

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

_log = logging.getLogger("medzoo")

# An entry has some ten files beside its figures; of a repository with very many, no more are looked at.
_MOST_FILES = 1000


class Download:
    """Files of one commit. Each is moved into the cache only after it arrived whole and was checked.

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

    def manifest(self) -> Mapping[str, Any]:
        """Fetch `medzoo.json`, which vouches for all other files, and return its content.

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
        manifest = read_manifest(self._staging)
        self._keep(MANIFEST)
        return manifest

    def file(self, name: str, promised: Mapping[str, Any]) -> None:
        """Fetch a file.

        Args:
            name: A name that the manifest lists.
            promised: Its sha256 and size.

        Raises:
            FileNotFoundError: The repository does not have it.
            IntegrityError: It has another sha256 or size.
        """
        if name == CARD:
            return self._card()
        if name not in self._listed:
            raise FileNotFoundError(f"{self.repo} lacks the file {name}, which its {MANIFEST} lists. Tell its author.")
        size, stored = self._listed[name].size, self._listed[name].lfs
        if size != promised["size"] or (stored and stored.sha256 != promised["sha256"]):
            raise self._refused(name, promised, f"{size} bytes, sha256 {stored.sha256 if stored else 'unknown'}")
        self._receive(name)
        if not is_whole(self._staging / name, promised):
            raise self._refused(name, promised, f"sha256 {sha256(self._staging / name)}")
        self._keep(name)

    def _card(self) -> None:
        """Fetch the card as it is: it may be edited on the Hub, where no manifest is written."""
        stored = self._listed.get(CARD)
        if stored is None or stored.size > size_limit(CARD):
            why = "is missing" if stored is None else f"has {stored.size:,} bytes"
            _log.warning("The card %s of %s %s, so the model comes without it.", CARD, self.repo, why)
            return
        self._receive(CARD)
        self._keep(CARD)

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


def fetch_files(
    repo: str,
    folder: Path,
    engine: str | None = "keras",
    golden: bool = False,
    pinned: Mapping[str, Mapping[str, Any]] | None = None,
) -> Mapping[str, Any]:
    """Complete a folder of the cache with what is needed of a zoo entry on the Hub, and compare all of it.

    Args:
        repo: Repository on the Hub, `"owner/name"`.
        folder: Folder in the cache, named by the commit.
        engine: What is to run: `"keras"`, `"onnx"`, `"auto"` for ONNX where the entry has it, or None for nothing but
            what describes the entry.
        golden: Whether the golden output is needed.
        pinned: Files that the entry must have, with their sha256.

    Returns:
        Content of its `medzoo.json`.

    Raises:
        FileNotFoundError: There is no such repository or commit, or it holds no zoo entry.
        PermissionError: The token is missing, or has no right to read it.
        ConnectionError: It is not in the cache, and the Hub is not reached.
        IntegrityError: A file is not what the entry promises, or none that an entry may have.
    """
    needs = (engine, golden, pinned)
    manifest, missing = _look(folder, *needs)
    if manifest is not None and not missing:
        return manifest
    folder.mkdir(parents=True, exist_ok=True)
    # Of several processes that need the same, one fetches it and the others wait.
    with FileLock(f"{folder}.lock"):
        manifest, missing = _look(folder, *needs)
        if manifest is not None and not missing:
            return manifest
        try:
            with Download(repo, folder) as download:
                if manifest is None:
                    manifest = download.manifest()
                    missing = _missing(folder, manifest, *needs)
                for name in missing:
                    download.file(name, manifest["files"][name])
        except ConnectionError:
            # A model needs no card.
            if manifest is None or _missing(folder, manifest, *needs) != [CARD]:
                raise
    return manifest


def _look(
    folder: Path, engine: str | None, golden: bool, pinned: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Return the manifest of a folder, None where it is not there or damaged, and which needed files are so."""
    try:
        manifest = read_manifest(folder)
    except (FileNotFoundError, IntegrityError):
        return None, [MANIFEST]
    return manifest, _missing(folder, manifest, engine, golden, pinned)


def _missing(
    folder: Path, manifest: Mapping[str, Any], engine: str | None, golden: bool, pinned: Mapping[str, Any] | None
) -> list[str]:
    """Return which of the needed files are not there, or are damaged."""
    files = manifest["files"]
    if pinned:
        _check_pinned(folder, files, pinned)
    return [
        name
        for name in needed_files(manifest, engine, golden)
        if not ((folder / name).is_file() if name == CARD else is_whole(folder / name, files[name]))
    ]


def _check_pinned(folder: Path, files: Mapping[str, Any], pinned: Mapping[str, Any]) -> None:
    # The card is not compared, since it is written anew for its repository.
    for name in sorted({*pinned, *files} - {CARD}):
        expected, received = (table.get(name, {}).get("sha256") for table in (pinned, files))
        if expected != received:
            raise IntegrityError(
                f"{name} of {origin(folder)} is not the one that this medzoo knows: expected sha256 {expected}. "
                f"Received: {received}. Upgrade medzoo: pip install --upgrade medzoo"
            )
