"""A zoo entry on disk: one folder, every byte of which its `medzoo.json` vouches for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medzoo.errors import IntegrityError
from medzoo.io.files import read_json, write_json
from medzoo.recipe import Recipe

FORMAT = 1
MANIFEST = "medzoo.json"
RECIPE, EVALUATION, CARD = "recipe.json", "evaluation.json", "README.md"
WEIGHTS, ONNX, GOLDEN, FIGURES = "model.weights.h5", "model.onnx", "golden.npz", "figures"


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


def read_manifest(folder: str | os.PathLike) -> dict[str, Any]:
    """Read `medzoo.json` and check that it is unchanged and of a format that this version reads.

    Raises:
        FileNotFoundError: The folder is no zoo entry.
        IntegrityError: The manifest was changed.
        ValueError: It was written in a newer format.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not a zoo entry: it has no {MANIFEST}. Write one with medzoo.save(model, folder)."
        )
    manifest = read_json(path)
    if manifest.get("format", 0) > FORMAT:
        raise ValueError(
            f"{path} has format {manifest['format']}, this medzoo reads up to {FORMAT}. "
            f"It was written by medzoo {manifest.get('medzoo')}; upgrade: pip install --upgrade medzoo"
        )
    if manifest.get("sha256") != _digest_of(manifest):
        raise IntegrityError(f"{path} was changed after it was written. Get the entry again from where it came.")
    return manifest


def read_entry(folder: str | os.PathLike) -> Entry:
    """Read a zoo entry and check every file of it.

    Raises:
        FileNotFoundError: The folder is no zoo entry, or a file of it is missing.
        IntegrityError: A file does not have the bytes that the manifest promises.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    for name, promised in manifest["files"].items():
        _check(folder / name, promised)
    evaluation = read_json(folder / EVALUATION) if EVALUATION in manifest["files"] else None
    return Entry(folder, manifest, Recipe.load(folder / RECIPE), evaluation)


def write_manifest(folder: str | os.PathLike, recipe: Recipe, facts: Mapping[str, Any]) -> None:
    """Write `medzoo.json` for the files that stand in `folder`.

    Args:
        folder: The zoo entry.
        recipe: Its recipe.
        facts: What else the manifest says: versions, number of parameters.
    """
    folder = Path(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    files = {
        path.relative_to(folder).as_posix(): {"sha256": sha256(path), "size": path.stat().st_size} for path in paths
    }
    card = recipe.card
    manifest = {
        "format": FORMAT,
        **facts,
        "name": recipe.name,
        "task": recipe.task.to_json(),
        "preprocessing": recipe.preprocessing.to_json(),
        "modality": card.get("modality"),
        "license": {"weights": card.get("license"), "data": card.get("data", {}).get("license")},
        "files": files,
    }
    write_json(folder / MANIFEST, {**manifest, "sha256": _digest_of(manifest)})


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check(path: Path, promised: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing from the zoo entry. Get the entry again from where it came.")
    if path.stat().st_size != promised["size"] or sha256(path) != promised["sha256"]:
        raise IntegrityError(
            f"{path} was changed: its sha256 is not the one in {MANIFEST}. Get the entry again from where it came."
        )


def _digest_of(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
