"""Zoo entries of the Hub in the cache: only files that are needed, none of which counts before it was checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from medzoo.entry import CARD, MANIFEST, needed_files, read_manifest
from medzoo.errors import IntegrityError
from medzoo.hub.download.files import Download, is_whole
from medzoo.hub.download.revisions import cache_of, origin, remember, resolve


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
