"""Files of unknown origin: the errors that refuse them, and JSON that is bounded while it is read."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medzoo.errors import IntegrityError, printable

# An ensemble of networks in networks nests 20 levels; Python itself gives up at some hundred.
DEPTH_LIMIT = 60
_DIGITS_LIMIT = 30


def unsafe(path: Path, reason: str) -> IntegrityError:
    """Return the error for a file with content that could harm and that no model needs."""
    return IntegrityError(f"{path} is unsafe and was not opened: {printable(reason)[:300]}. Do not use this entry.")


def refuse_link(path: Path) -> None:
    """Refuse a symbolic link, which may lead out of the entry.

    Raises:
        IntegrityError: The path is one.
    """
    if path.is_symlink():
        raise IntegrityError(f"{path} is a symbolic link; an entry holds files only. Copy the entry with: cp -rL")


@contextmanager
def damage_named(
    path: str | os.PathLike, kind: str, remedy: str = "Get the entry again from where it came."
) -> Iterator[None]:
    """Let whatever a library raises at a damaged file name that file.

    Args:
        path: The file.
        kind: What it should be.
        remedy: A sentence on what to do.
    """
    try:
        yield
    except (IntegrityError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        # Damaged, a file makes its parser raise anything, from zlib's own class to an invalid argument of the system.
        raise IntegrityError(
            f"{path} is no {kind}: {printable(str(error)).rstrip('.')[:200] or type(error).__name__}. {remedy}"
        ) from error


def read_checked_json(path: str | os.PathLike, limit: int) -> Any:
    """Read a JSON file of at most `limit` bytes, as `parse_checked_json`.

    Raises:
        FileNotFoundError: There is no such file.
        IntegrityError: The file is larger, is no JSON, or is JSON that readers of it disagree about.
    """
    path = Path(path)
    size = path.stat().st_size
    if size > limit:
        raise IntegrityError(f"{path} is too large: expected at most {limit:,} bytes; got {size:,}. It was not read.")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _invalid(path, error) from error
    return parse_checked_json(text, str(path))


def parse_checked_json(text: str, where: str) -> Any:
    """Parse JSON: no NaN, no name twice in an object, nothing nested very deep.

    Args:
        text: The text, of bounded length.
        where: From where, for messages.

    Raises:
        IntegrityError: It is no JSON, or JSON that readers of it disagree about.
    """
    try:
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=_short, parse_float=_finite, parse_constant=_no_number
        )
        _check_depth(value)
    except RecursionError as error:
        raise _invalid(where, "it is nested too deep") from error
    except ValueError as error:
        raise _invalid(where, error) from error
    return value


def _invalid(where: str | Path, reason: object) -> IntegrityError:
    return IntegrityError(f"{where} is not valid JSON: {reason}. Get the entry again from where it came.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, content in pairs:
        if name in value:
            raise ValueError(f"it names {name[:60]!r} twice")
        value[name] = content
    return value


def _short(digits: str) -> int:
    if len(digits) > _DIGITS_LIMIT:
        raise ValueError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("it holds a number that is too large")
    return value


def _no_number(name: str) -> float:
    raise ValueError(f"it holds {name}")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > DEPTH_LIMIT:
            raise RecursionError
        level = [child for parent in level for child in _children(parent)]


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
