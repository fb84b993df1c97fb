"""What must be true of the content of a `medzoo.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from medzoo.entry.files import CARD, CONFIG, MANIFEST, RECIPE, WEIGHTS, is_entry_file, size_limit
from medzoo.errors import IntegrityError
from medzoo.io.text import printable

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
    """Refuse a manifest in which a field is of another type, or which lists what no entry may hold.

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
