"""Errors: messages that contain their own fix, exceptions Python has no name for, and text of strangers made safe."""

from __future__ import annotations

import difflib
import importlib
import logging
import re
import unicodedata
from collections.abc import Iterable
from types import ModuleType


class DivergenceError(RuntimeError):
    """Training produced a loss that is not a number; the best weights so far were kept."""


class IntegrityError(ValueError):
    """A file of a zoo entry does not have the bytes that its `medzoo.json` promises."""


class NotFiniteError(ValueError):
    """A model answered NaN or infinity for a scan, which says nothing of it."""


def unknown_name(kind: str, name: object, names: Iterable[str], remedy: str = "") -> ValueError:
    """Return the error for a `name` that is not among `names`, with near matches.

    Args:
        kind: What the name stands for, for example `"model"`.
        name: The name that does not exist.
        names: The names that do.
        remedy: A sentence on how to list them all.

    Example:
        >>> str(unknown_name("label", "tumour", ["tumor", "edema"]))
        "Unknown label 'tumour'. Did you mean 'tumor'? Expected one of: edema, tumor."
    """
    names = sorted(names)
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = " Did you mean " + " or ".join(repr(match) for match in near) + "?" if near else ""
    listing = f" Expected one of: {', '.join(names)}." if names else ""
    return ValueError(f"Unknown {kind} {str(name)!r}.{hint}{listing}{' ' + remedy if remedy else ''}")


def refuse_unknown(kind: str, names: Iterable[str], expected: Iterable[str]) -> None:
    """Raise the error of `unknown_name` for the first of `names` that is not among `expected`.

    Raises:
        ValueError: There is such a name.
    """
    expected = list(expected)
    for name in names:
        if name not in expected:
            raise unknown_name(kind, name, expected)


def install(extra: str) -> str:
    """Return how an extra is installed, in a checkout as from an index of packages.

    Example:
        >>> install("search")
        'Install it: pip install ".[search]" in a checkout of medzoo, else pip install "medzoo[search]".'
    """
    return f'Install it: pip install ".[{extra}]" in a checkout of medzoo, else pip install "medzoo[{extra}]".'


def require(module: str, extra: str) -> ModuleType:
    """Import an optional `module`, or say which extra of medzoo installs it.

    Raises:
        ImportError: The module is not installed; the message holds the pip command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(f"This needs the package '{package}', which is not installed. {install(extra)}") from error


# Escape sequences of terminals: colours and cursor (CSI), titles and links (OSC and its kin, up to BEL or ESC \\).
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
)

# Controls, formats such as marks that reverse the direction of writing, surrogates; and separators of lines.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str, lines: bool = False) -> str:
    r"""Return `text` without what a terminal would obey: escape sequences, control characters, reversed writing.

    Args:
        text: Any text, such as the card of a model that somebody published.
        lines: Whether newlines and tabs are kept; else each run of white space becomes one blank.

    Example:
        >>> printable("tumor\x1b[2J\n unet")
        'tumor unet'
    """
    kept = "\n\t" if lines else "\n\t\r\v\f\u2028\u2029"
    text = "".join(
        letter
        for letter in _SEQUENCES.sub("", text)
        if letter in kept or unicodedata.category(letter) not in _UNPRINTABLE
    )
    return text if lines else " ".join(text.split())


def _printable_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = printable(record.getMessage(), lines=True), None
    return True


# Names of files and what cards say reach a terminal by the log, too.
logging.getLogger("medzoo").addFilter(_printable_record)
