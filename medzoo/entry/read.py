"""Zoo entries from disk: where they lie, and what they hold, checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.entry.manifest import CARD, EVALUATION, MANIFEST, ONNX, RECIPE, is_whole, read_manifest, size_limit
from medzoo.entry.untrusted import read_checked_json, refuse_link
from medzoo.errors import IntegrityError, printable
from medzoo.files import cache_folder
from medzoo.recipe import Recipe

_PACKAGE = Path(__file__).resolve().parents[1]
# In a checkout beside the package, in the wheel inside of it.
ZOO_FOLDERS = (_PACKAGE.parent / "zoo_cards", _PACKAGE / "zoo_cards")


def entry_folders() -> dict[str, Path]:
    """Return the folders of the zoo entries on this machine by name: of the checkout, the wheel and the cache."""
    folders: dict[str, Path] = {}
    for root in (*ZOO_FOLDERS, cache_folder()):
        for manifest in sorted(root.glob(f"*/{MANIFEST}")):
            folders.setdefault(manifest.parent.name, manifest.parent)
    return folders


@dataclass(frozen=True)
class Entry:
    """A zoo entry that was read and checked.

    Args:
        folder: Where it lies.
        manifest: Content of its `medzoo.json`.
        recipe: Its recipe.
        evaluation: Content of its `evaluation.json`, or None.
    """

    folder: Path
    manifest: Mapping[str, Any]
    recipe: Recipe
    evaluation: Mapping[str, Any] | None

    @property
    def onnx(self) -> Path | None:
        """Path of the exported network, or None."""
        return self.folder / ONNX if ONNX in self.manifest["files"] else None


def read_entry(
    folder: str | os.PathLike,
    names: Collection[str] | None = None,
    manifest: Mapping[str, Any] | None = None,
    compared: Collection[str] = (),
) -> Entry:
    """Read a zoo entry and compare its files with the manifest; all but the card, which anybody may edit on the Hub.

    Args:
        folder: Where it lies.
        names: The files to compare, besides recipe and evaluation, which are read; the others need not be there. None
            for all.
        manifest: Content of its `medzoo.json`, where that was read already.
        compared: The files that were compared already.

    Raises:
        FileNotFoundError: The folder is no zoo entry, or a file of it is missing.
        IntegrityError: A file does not have the bytes that the manifest promises, or is a symbolic link.
    """
    folder = Path(folder)
    manifest = read_manifest(folder) if manifest is None else manifest
    _refuse_links(folder)
    described = [name for name in (RECIPE, EVALUATION) if name in manifest["files"]]
    for name, promised in manifest["files"].items():
        if name != CARD and name not in compared and (names is None or name in names or name in described):
            _check(folder / name, promised)
    content = {name: read_checked_json(folder / name, size_limit(name)) for name in described}
    return Entry(folder, manifest, _recipe(folder / RECIPE, content[RECIPE]), content.get(EVALUATION))


def _refuse_links(folder: Path) -> None:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            refuse_link(Path(root, name))


def _check(path: Path, promised: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing from the zoo entry. Get the entry again from where it came.")
    if not is_whole(path, promised):
        raise IntegrityError(
            f"{path} was changed: its sha256 is not the one in {MANIFEST}. Get the entry again from where it came."
        )


def _recipe(path: Path, value: Any) -> Recipe:
    try:
        return Recipe.from_json(value)
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{path}: {printable(str(error))[:500]}") from error
