"""Names to zoo entries, on this machine and in the registry, which knows the zoo's models without opening them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.entry import MANIFEST, ZOO_FOLDERS, Entry, entry_folders, read_manifest
from medzoo.entry.safety import read_safely
from medzoo.errors import unknown_name
from medzoo.files import read_json
from medzoo.leftovers import put_back
from medzoo.zoo.download.fetch import fetch_files
from medzoo.zoo.download.revisions import cache_of, is_hub_name, remember, resolve

Row = dict[str, Any]

_REGISTRIES = tuple(folder / "registry.json" for folder in ZOO_FOLDERS)
REGISTRY = next(filter(Path.is_file, _REGISTRIES), _REGISTRIES[0])

# Where the folders of a run keep its zoo entry: of a training, a search, a cross-validation.
RUN_MODELS = ("model", "best", "ensemble")


def registry_rows() -> dict[str, Row]:
    """Return the rows of the registry by name; `python -m tools.registry` writes them.

    Returns:
        For each name `name`, `repo` and `revision` on the Hub or None, `task`, `modality`, `score`, `score_name`,
        `interval`, `parameters`, `license`, `data_license`, and `files`: name to `sha256` and `size`.

    Example:
        >>> registry_rows()["brain-tumor-unet"]["license"]
        'cc-by-4.0'
    """
    return {row["name"]: row for row in read_json(REGISTRY)} if REGISTRY.is_file() else {}


@dataclass(frozen=True)
class Location:
    """Where a zoo entry lies.

    Args:
        folder: Its folder. One of the cache may lack files, which the Hub has.
        repo: Its repository on the Hub; None for a folder of this machine.
        revision: Branch, tag or commit that was asked for; None for the branch `main`.
        pinned: Files that the registry promises, with their sha256.
        may_be_path: Whether the name of the repository may have been meant for a path.
    """

    folder: Path
    repo: str | None = None
    revision: str | None = None
    pinned: Mapping[str, Any] | None = None
    may_be_path: bool = False

    def fetch(self, engine: str | None = "keras", golden: bool = False) -> Mapping[str, Any]:
        """Fetch what the folder lacks of the needed files, and return the content of its `medzoo.json`.

        Those of a repository are compared with it here; `find_entry` says what is raised.
        """
        if self.repo is None:
            return read_manifest(self.folder)
        with _path_named(self.repo, self.may_be_path):
            manifest = fetch_files(self.repo, self.folder, engine, golden, self.pinned)
        remember(self.repo, self.revision, self.folder.name)
        return manifest

    def open(
        self, engine: str | None = "keras", golden: bool = False, manifest: Mapping[str, Any] | None = None
    ) -> Entry:
        """Read the entry, whose needed files are all there, unchanged and safe then.

        Args:
            engine: What is to run, as `find_entry` takes it.
            golden: Whether the golden output is needed.
            manifest: What `fetch` returned, if it was called before.

        Raises:
            IntegrityError: A file was changed or is not safe to open.
        """
        manifest = self.fetch(engine, golden) if manifest is None else manifest
        return read_safely(self.folder, engine, golden, manifest, compared=self.repo is not None)


def find_entry(
    name: str | os.PathLike, revision: str | None = None, engine: str | None = "keras", golden: bool = False
) -> Path:
    """Return the folder of a zoo entry: one on this machine, or else of the Hub, fetched into the cache.

    The Hub is asked for nothing where the cache has all that is needed of a commit. Of a branch or tag it tells the
    commit in one request. A file of the cache that was damaged is fetched again.

    Args:
        name: Folder of an entry or of a run, the name of an entry on this machine or of the registry, or a repository
            on the Hub, `"owner/name"`; with `"@revision"` behind it, its revision.
        revision: Branch, tag, pull request (`"refs/pr/1"`) or commit on the Hub; None for the version on this machine,
            that of the registry, or the branch `main`.
        engine: What is to run, `"keras"`, `"onnx"`, `"auto"`, or None for what describes the entry: no more than that
            is fetched from the Hub.
        golden: Whether the golden output is fetched, too.

    Returns:
        The folder, in the cache `MEDZOO_HOME/hub/owner--name/commit`; for what looks like a path it is left to the
        reader to find that no entry lies there.

    Raises:
        ValueError: There is no entry of this name, or no such revision; near matches are in the message.
        FileNotFoundError: There is no such repository or commit on the Hub, or it holds no zoo entry.
        PermissionError: The token is missing, or has no right to read it.
        ConnectionError: The entry is not in the cache, and the Hub is not reached.
        IntegrityError: What the Hub has is not what it promises, or none that an entry may have.

    Example:
        >>> find_entry("brain-tumor-unet").name
        'brain-tumor-unet'
    """
    location = locate(name, revision)
    if location.repo is not None:
        location.fetch(engine, golden)
    return location.folder


def locate(name: str | os.PathLike, revision: str | None = None) -> Location:
    """Return where a zoo entry lies, without a look at its files; as `find_entry`."""
    if revision is None and (folder := _folder_at(Path(name))):
        return Location(folder)
    name, revision = _split(_without_host(os.fspath(name)), revision)
    folders, rows = entry_folders(), registry_rows()
    if revision is None and name in folders:
        return Location(folders[name])
    if (row := rows.get(name)) and row["repo"]:
        pinned = row["files"] if revision in (None, row["revision"]) else None
        return _on_hub(row["repo"], revision or row["revision"], pinned)
    if is_hub_name(name) and (revision or not Path(name).exists()):
        return _on_hub(name, revision, may_be_path=True)
    if revision is not None:
        raise ValueError(f"Only a model of the Hub has revisions, 'owner/name'. Received: {name!r} at {revision!r}.")
    if Path(name).is_dir() or len(Path(name).parts) > 1:
        return Location(Path(name))
    if name in rows:
        raise ValueError(
            f"'{name}' is too large for the installed package. Clone the repository of medzoo, which has it, and give "
            f"the folder zoo_cards/{name} of the clone."
        )
    names = {*folders, *(name for name, row in rows.items() if row["repo"])}
    raise unknown_name("model", name, names, "List them with: medzoo list")


# An address of the Hub as a browser shows it, also as a Path writes it: the model's page, or its files of a revision.
_ADDRESS = re.compile(
    r"(?:https?:/+(?:www\.)?(?:huggingface\.co|hf\.co)/|hf:/+)([\w.-]+/[\w.-]+)(?:/tree/([^?#]+?))?/?$"
)
_FILES = (".keras", ".h5", ".hdf5", ".onnx", ".pt", ".pth", ".ckpt", ".safetensors")


def _without_host(name: str) -> str:
    """Return `owner/name` or `owner/name@revision` for an address of the Hub; any other name as it is.

    Raises:
        ValueError: It is another address, or a file of weights.
    """
    if found := _ADDRESS.match(name):
        return "@".join(filter(None, found.groups()))
    if re.match(r"\w+:/", name) and not re.match(r"[a-zA-Z]:/", name):
        raise ValueError(
            f"{name} is no address of a model on the Hub. Expected https://huggingface.co/OWNER/NAME, or OWNER/NAME."
        )
    if name.lower().endswith(_FILES) and not Path(name).is_dir():
        raise ValueError(
            f"{name} is a file of a network, not a zoo entry, which is a folder with its recipe. Load it with "
            "keras.saving.load_model(path) and give it a recipe: medzoo.ZooModel.wrap(network, recipe)."
        )
    return name


def _folder_at(path: Path) -> Path | None:
    folders = (path, *map(path.joinpath, RUN_MODELS))
    for folder in folders:
        put_back(folder)
    return next((folder for folder in folders if (folder / MANIFEST).is_file()), None)


def _split(name: str, revision: str | None) -> tuple[str, str | None]:
    """Take the revision from the end of `"owner/name@revision"`."""
    bare, _, behind = name.partition("@")
    # Any other text with such a sign is a path.
    if not behind or not (is_hub_name(bare) or "/" not in bare):
        return name, revision
    if revision is not None:
        raise ValueError(f"Give one revision. Received: {name!r} and revision={revision!r}.")
    return bare, behind


def _on_hub(
    repo: str, revision: str | None, pinned: Mapping[str, Any] | None = None, may_be_path: bool = False
) -> Location:
    with _path_named(repo, may_be_path):
        commit = resolve(repo, revision)
    return Location(cache_of(repo) / commit, repo, revision, pinned, may_be_path)


@contextmanager
def _path_named(repo: str, may_be_path: bool) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, ConnectionError) as error:
        if not may_be_path:
            raise
        raise type(error)(f"There is no folder {repo} here. {error}") from error
