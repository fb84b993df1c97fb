"""Zoo entries of the Hub in the cache: only files that are needed, none of which counts before it was checked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from medzoo.entry import CARD, MANIFEST, needed_files, read_manifest, sha256, size_limit
from medzoo.errors import IntegrityError
from medzoo.zoo.download.connection import hub_errors
from medzoo.zoo.download.revisions import cache_of, origin, remember, resolve

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


def fetch_entry(
    repo: str,
    revision: str | None = None,
    engine: str | None = "keras",
    golden: bool = False,
    pinned: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Return a folder with what is needed of a zoo entry on the Hub, downloaded once.

    The Hub is asked for nothing where the cache has all that is needed of a commit. Of a branch or tag it tells the
    commit in one request. A file of the cache that was damaged is fetched again.

    Args:
        repo: Repository on the Hub, `"owner/name"`.
        revision: Branch, tag, pull request (`"refs/pr/1"`) or commit; None for the branch `main`.
        engine: What is to run: `"keras"`, `"onnx"`, `"auto"` for ONNX where the entry has it, or None for nothing but
            what describes the entry.
        golden: Whether the golden output is needed.
        pinned: Files that the entry must have, with their sha256.

    Returns:
        The folder in the cache, `MEDZOO_HOME/hub/owner--name/commit`.

    Raises:
        FileNotFoundError: There is no such repository or commit, or it holds no zoo entry.
        ValueError: There is no such branch or tag; near matches are in the message.
        PermissionError: The token is missing, or has no right to read it.
        ConnectionError: It is not in the cache, and the Hub is not reached.
        IntegrityError: A file is not what the entry promises, or none that an entry may have.

    Example:
        >>> fetch_entry("me/my-tumor-unet", "v1", engine="onnx")  # doctest: +SKIP
    """
    commit = resolve(repo, revision)
    folder = cache_of(repo) / commit
    missing = partial(_missing, folder, engine, golden, pinned)
    if missing():
        folder.mkdir(parents=True, exist_ok=True)
        # Of several processes that need the same, one fetches it and the others wait.
        with FileLock(f"{folder}.lock"):
            _complete(repo, folder, missing)
    remember(repo, revision, commit)
    return folder


def _missing(folder: Path, engine: str | None, golden: bool, pinned: Mapping[str, Any] | None) -> list[str]:
    """Return which of the needed files are not there, or are damaged."""
    try:
        manifest = read_manifest(folder)
    except (FileNotFoundError, IntegrityError):
        return [MANIFEST]
    files = manifest["files"]
    _check_pinned(folder, files, pinned)
    return [name for name in needed_files(manifest, engine, golden) if not is_whole(folder / name, files[name])]


def _complete(repo: str, folder: Path, missing: Callable[[], list[str]]) -> None:
    if not (names := missing()):
        return
    with Download(repo, folder) as download:
        if MANIFEST in names:
            download.manifest()
        files = read_manifest(folder)["files"]
        for name in missing():
            download.file(name, files[name])


def _check_pinned(folder: Path, files: Mapping[str, Any], pinned: Mapping[str, Any] | None) -> None:
    # The card is not compared, since it is written anew for its repository.
    for name in sorted({*pinned, *files} - {CARD}) if pinned else ():
        expected, received = (table.get(name, {}).get("sha256") for table in (pinned, files))
        if expected != received:
            raise IntegrityError(
                f"{name} of {origin(folder)} is not the one that this medzoo knows: expected sha256 {expected}. "
                f"Received: {received}. Upgrade medzoo: pip install --upgrade medzoo"
            )
