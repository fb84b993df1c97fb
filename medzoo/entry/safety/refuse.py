"""The error for a file that is not opened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medzoo.errors import IntegrityError, printable


def unsafe(path: Path, reason: str) -> IntegrityError:
    """Return the error for a file that holds what no model needs."""
    return IntegrityError(f"{path} is unsafe and was not opened: {printable(reason)[:300]}. Do not use this entry.")


@contextmanager
def damage_named(path: Path, kind: str) -> Iterator[None]:
    """Let whatever a library raises at a damaged file name that file.

    Args:
        path: The file.
        kind: What it should be.
    """
    try:
        yield
    except (IntegrityError, FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        # Damaged, a file makes its parser raise anything, from zlib's own class to an invalid argument of the system.
        raise IntegrityError(
            f"{path} is no {kind}: {printable(str(error))[:200]}. Get the entry again from where it came."
        ) from error
