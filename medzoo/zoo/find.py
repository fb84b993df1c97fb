"""Names to zoo entries."""

from __future__ import annotations

import os
from pathlib import Path

from medzoo.entry import MANIFEST
from medzoo.errors import unknown_name
from medzoo.files import cache_folder
from medzoo.zoo.download.fetch import fetch_entry
from medzoo.zoo.download.revisions import is_hub_name
from medzoo.zoo.listing.index import registry_rows

# Where the folders of a run keep its zoo entry: of a training, a search, a cross-validation.
RUN_MODELS = ("model", "best", "ensemble")


def entry_folders() -> dict[str, Path]:
    """Return the folders of the zoo entries on this machine by name: of the checkout, the wheel and the cache."""
    package = Path(__file__).resolve().parent.parent
    found: dict[str, Path] = {}
    for root in (package.parent / "zoo_cards", package / "zoo_cards", cache_folder()):
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            found.setdefault(manifest.parent.name, manifest.parent)
    return found


def find_entry(
    name: str | os.PathLike, revision: str | None = None, engine: str | None = "keras", golden: bool = False
) -> Path:
    """Return the folder of a zoo entry: one on this machine, or else of the Hub, fetched into the cache.

    Args:
        name: Folder of an entry or of a run, the name of an entry on this machine or of the registry, or a repository
            on the Hub, `"owner/name"`; with `"@revision"` behind it, its revision.
        revision: Branch, tag or commit on the Hub; None for the version on this machine, that of the registry, or the
            branch `main`.
        engine: What is to run, `"keras"`, `"onnx"`, `"auto"`, or None for what describes the entry: no more than that
            is fetched from the Hub.
        golden: Whether the golden output is fetched, too.

    Returns:
        The folder; for what looks like a path it is left to the reader to find that no entry lies there.

    Raises:
        ValueError: There is no entry of this name, or no such revision; near matches are in the message.
        FileNotFoundError: There is no such repository on the Hub, or it holds no zoo entry.
        ConnectionError: The entry is not in the cache, and the Hub is not reached.
        IntegrityError: What the Hub has is not what it promises.

    Example:
        >>> find_entry("brain-tumor-unet").name
        'brain-tumor-unet'
    """
    if revision is None and (folder := _folder_at(Path(name))):
        return folder
    name, revision = _split(os.fspath(name), revision)
    folders, rows = entry_folders(), registry_rows()
    if revision is None and name in folders:
        return folders[name]
    if (row := rows.get(name)) and row["repo"]:
        pinned = row["files"] if revision in (None, row["revision"]) else None
        return fetch_entry(row["repo"], revision or row["revision"], engine, golden, pinned)
    if is_hub_name(name) and (revision or not Path(name).exists()):
        return _fetch(name, revision, engine, golden)
    if revision is not None:
        raise ValueError(f"Only a model of the Hub has revisions, 'owner/name'. Received: {name!r} at {revision!r}.")
    if Path(name).is_dir() or len(Path(name).parts) > 1:
        return Path(name)
    known = {*folders, *(known for known, row in rows.items() if row["repo"])}
    raise unknown_name("model", name, known, "List them with: medzoo list")


def _folder_at(path: Path) -> Path | None:
    return next((folder for folder in (path, *map(path.joinpath, RUN_MODELS)) if (folder / MANIFEST).is_file()), None)


def _split(name: str, revision: str | None) -> tuple[str, str | None]:
    """Take the revision from the end of `"owner/name@revision"`."""
    bare, _, given = name.partition("@")
    # Any other text with such a sign is a path.
    if not given or not (is_hub_name(bare) or "/" not in bare):
        return name, revision
    if revision is not None:
        raise ValueError(f"Give one revision. Received: {name!r} and revision={revision!r}.")
    return bare, given


def _fetch(repo: str, revision: str | None, engine: str | None, golden: bool) -> Path:
    try:
        return fetch_entry(repo, revision, engine, golden)
    except (FileNotFoundError, ConnectionError) as error:
        # It may have been meant for a path.
        raise type(error)(f"There is no folder {repo} here. {error}") from error
