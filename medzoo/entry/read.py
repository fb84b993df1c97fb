"""Zoo entries from disk, checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.entry.checked_json import read_checked_json
from medzoo.entry.files import EVALUATION, MANIFEST, ONNX, RECIPE, size_limit
from medzoo.entry.manifest import read_manifest, sha256
from medzoo.errors import IntegrityError, printable
from medzoo.recipe import Recipe


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


def read_entry(folder: str | os.PathLike, names: Collection[str] | None = None) -> Entry:
    """Read a zoo entry and check its files.

    Args:
        folder: Where it lies.
        names: The files to check, besides those that are read; the others need not be there. None for all.

    Raises:
        FileNotFoundError: The folder is no zoo entry, or a file of it is missing.
        IntegrityError: A file does not have the bytes that the manifest promises, or is a symbolic link.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    _refuse_links(folder)
    read = {RECIPE, EVALUATION}
    for name, promised in manifest["files"].items():
        if names is None or name in names or name in read:
            _check(folder / name, promised)
    content = {name: read_checked_json(folder / name, size_limit(name)) for name in read if name in manifest["files"]}
    return Entry(folder, manifest, _recipe(folder / RECIPE, content[RECIPE]), content.get(EVALUATION))


def _refuse_links(folder: Path) -> None:
    for root, folders, files in os.walk(folder):
        for path in (Path(root, name) for name in (*folders, *files)):
            if path.is_symlink():
                raise IntegrityError(
                    f"{path} is a symbolic link; an entry holds files only. Copy the entry with: cp -rL"
                )


def _check(path: Path, promised: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing from the zoo entry. Get the entry again from where it came.")
    if path.stat().st_size != promised["size"] or sha256(path) != promised["sha256"]:
        raise IntegrityError(
            f"{path} was changed: its sha256 is not the one in {MANIFEST}. Get the entry again from where it came."
        )


def _recipe(path: Path, value: Any) -> Recipe:
    try:
        return Recipe.from_json(value)
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"{path}: {printable(str(error))[:500]}") from error
