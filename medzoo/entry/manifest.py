"""The files that a zoo entry may hold, and `medzoo.json` with the sha256 of each of them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from medzoo.entry.untrusted import read_checked_json, refuse_link
from medzoo.errors import IntegrityError, printable, refuse_unknown
from medzoo.files import cache_folder, write_json
from medzoo.leftovers import put_back
from medzoo.recipe import Recipe

MANIFEST = "medzoo.json"
RECIPE, EVALUATION, CARD = "recipe.json", "evaluation.json", "README.md"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
ONNX, GOLDEN, FIGURES = "model.onnx", "golden.npz", "figures"
ESTIMATOR_FILE, BOOSTER_FILE = "estimator.skops", "estimator.ubj"

_KB, _MB, _GB = 10**3, 10**6, 10**9

# The largest sizes that are read, in bytes: what medzoo writes stays far below.
_LIMITS = {
    MANIFEST: 1 * _MB,
    CARD: 1 * _MB,
    CONFIG: 20 * _MB,
    METADATA: 100 * _KB,
    RECIPE: 1 * _MB,
    EVALUATION: 20 * _MB,
    GOLDEN: 100 * _MB,
    WEIGHTS: 10 * _GB,
    # What protobuf, the format of ONNX, can hold.
    ONNX: 2 * _GB,
    ESTIMATOR_FILE: 200 * _MB,
    BOOSTER_FILE: 200 * _MB,
}
_FIGURE_LIMIT = 10 * _MB
_FIGURE = re.compile(FIGURES + r"/[A-Za-z0-9_-]{1,100}\.png")

_DESCRIPTION = (RECIPE, EVALUATION, CARD)
_ENGINES = {"keras": (CONFIG, METADATA, WEIGHTS), "onnx": (ONNX, GOLDEN)}


def is_entry_file(name: str) -> bool:
    """Return whether an entry may hold a file of this name.

    So no name leads out of the entry's folder, and none is that of a pickle or of code.

    Example:
        >>> is_entry_file("figures/roc.png"), is_entry_file("../recipe.json"), is_entry_file("model.pkl")
        (True, False, False)
    """
    return name in _LIMITS or _FIGURE.fullmatch(name) is not None


def size_limit(name: str) -> int:
    """Return the largest size in bytes that a file of an entry may have."""
    return _LIMITS.get(name, _FIGURE_LIMIT)


def needed_files(manifest: Mapping[str, Any], engine: str | None, golden: bool = False) -> list[str]:
    """Return the files of an entry that a load needs, as far as the entry has them.

    Args:
        manifest: Content of its `medzoo.json`.
        engine: `"keras"`, `"onnx"`, `"auto"` for ONNX where the entry has it, or None for what describes the entry.
        golden: Whether the golden output is compared.

    Raises:
        ValueError: The engine is unknown.
    """
    files, needed = manifest["files"], {*_DESCRIPTION}
    if engine == "auto" or (engine == "onnx" and ONNX not in files):
        # To export a network takes its files for Keras, and the golden output to compare with; once it is exported only
        # the latter.
        is_there = ONNX in files or ((path := exported_file(manifest)) is not None and path.is_file())
        engine, golden = ("onnx", golden) if is_there else ("keras", True)
    if engine is not None:
        refuse_unknown("engine", [engine], _ENGINES)
        needed |= {*_ENGINES[engine], ESTIMATOR_FILE, BOOSTER_FILE, *([GOLDEN] if golden else [])}
    return [name for name in files if name in needed]


def exported_file(manifest: Mapping[str, Any]) -> Path | None:
    """Return where the export of an entry without `model.onnx` lies once it is made; None where none can be.

    A large entry has none of its own: its network is exported at its first use, into `MEDZOO_HOME/exported`.
    """
    files = manifest["files"]
    if WEIGHTS not in files or CONFIG not in files:
        return None
    return cache_folder() / "exported" / "-".join(files[name]["sha256"][:32] for name in (CONFIG, WEIGHTS)) / ONNX


# What is read of a manifest, by the way to it.
_FIELDS = {
    ("medzoo",): str,
    ("versions",): dict,
    ("score",): str | None,
    ("parameters",): int,
    ("name",): str,
    ("task",): dict,
    ("task", "type"): str,
    ("preprocessing",): dict,
    ("modality",): str | None,
    ("license",): dict,
    ("license", "weights"): str | None,
    ("license", "data"): str | None,
    ("files",): dict,
}
_REQUIRED = (CONFIG, WEIGHTS, RECIPE, CARD)
_MOST_FILES = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")


def wrong(where: str, reason: str) -> IntegrityError:
    """Return the error for a manifest that is not as medzoo writes it."""
    return IntegrityError(f"{where} {reason}. Get the entry again from where it came.")


def check_schema(manifest: Mapping[str, Any], where: str) -> None:
    """Refuse a manifest with a field of a wrong type, or with a file that no entry may hold.

    Raises:
        IntegrityError: It is so; the message names the field or the file.
    """
    for keys, kind in _FIELDS.items():
        value: Any = manifest
        for key in keys:
            value = value.get(key)
        if not isinstance(value, kind):
            raise wrong(where, f"has no `{'.'.join(keys)}`, or one of a wrong type: {value!r:.40}")
    files = manifest["files"]
    if len(files) > _MOST_FILES:
        raise wrong(where, f"lists {len(files)} files; expected at most {_MOST_FILES}")
    for name, promised in files.items():
        _check_file(name, promised, where)
    if len({name.casefold() for name in files}) < len(files):
        raise wrong(where, "lists two files whose names are equal but for upper and lower case")
    for name in _REQUIRED:
        if name not in files:
            raise wrong(where, f"does not list {name}, which every zoo entry has")


def _check_file(name: str, promised: Any, where: str) -> None:
    if not is_entry_file(name) or name == MANIFEST:
        raise wrong(where, f"lists the file {printable(name)[:100]!r}, which no zoo entry may hold")
    digest, size = (promised.get(key) for key in ("sha256", "size")) if isinstance(promised, dict) else (None, None)
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise wrong(where, f"has no sha256 of 64 hexadecimal digits for {name}")
    # True is a number to Python.
    if type(size) is not int or not 0 <= size <= size_limit(name):
        raise wrong(where, f"says {size!r:.40} for the size of {name}; expected at most {size_limit(name):,} bytes")


FORMAT = 1
# Number of an older format -> function from its manifest to that of the next format. There is no older one yet.
UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

logger = logging.getLogger("medzoo")


def read_manifest(folder: str | os.PathLike) -> dict[str, Any]:
    """Read `medzoo.json` and check that it is unchanged, whole, and of a format that this version reads.

    Raises:
        FileNotFoundError: The folder is no zoo entry.
        IntegrityError: The manifest was changed, or lists a file that no entry may hold.
        ValueError: It was written in a newer format.
    """
    path = Path(folder) / MANIFEST
    put_back(path.parent)
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not a zoo entry: it has no {MANIFEST}. Write one with medzoo.save(model, folder)."
        )
    refuse_link(path)
    return check_manifest(read_checked_json(path, size_limit(MANIFEST)), str(path))


def check_manifest(manifest: Any, where: str) -> dict[str, Any]:
    """Check the content of a `medzoo.json` and return it in the format of today.

    Args:
        manifest: What was read.
        where: From where, for messages.

    Raises:
        IntegrityError: It was changed, or lists a file that no entry may hold.
        ValueError: It was written in a newer format; the message names the medzoo that reads it.
    """
    version = manifest.get("format") if isinstance(manifest, dict) else None
    # True is a number to Python.
    if type(version) is not int or version < 1:
        raise wrong(where, "is no manifest of a zoo entry: expected a whole number as `format`")
    if version > FORMAT:
        needed = printable(str(manifest.get("medzoo")))[:40]
        raise ValueError(
            f"{where} has format {version}, this medzoo reads up to {FORMAT}. It needs medzoo {needed} or later; "
            "upgrade: pip install --upgrade medzoo"
        )
    if manifest.get("sha256") != _digest_of(manifest):
        raise wrong(where, "was changed after it was written")
    if version < FORMAT:
        _say_older(where, version)
    for number in range(version, FORMAT):
        manifest = UPGRADES[number](manifest)
    check_schema(manifest, where)
    return manifest


def write_manifest(folder: str | os.PathLike, recipe: Recipe, facts: Mapping[str, Any]) -> None:
    """Write `medzoo.json` for the files in `folder`; files that no entry may hold are left out.

    Args:
        folder: The zoo entry.
        recipe: Its recipe.
        facts: What else the manifest says: versions, number of parameters.

    Raises:
        IntegrityError: No entry could be read that has these facts and files, such as one too large.
    """
    folder = Path(folder)
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files = {
        name: {"sha256": sha256(path), "size": path.stat().st_size}
        for name, path in paths.items()
        if name != MANIFEST and is_entry_file(name)
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
    check_schema(manifest, str(folder / MANIFEST))
    write_json(folder / MANIFEST, {**manifest, "sha256": _digest_of(manifest)})


def sha256(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(path: Path, promised: Mapping[str, Any]) -> bool:
    """Return whether a file is there with the size and the sha256 that the manifest promises."""
    return path.is_file() and path.stat().st_size == promised["size"] and sha256(path) == promised["sha256"]


@cache
def _say_older(where: str, version: int) -> None:
    logger.warning("%s has format %d, this medzoo writes %d. It is read all the same.", where, version, FORMAT)


def _digest_of(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
