"""Messages of the library in the words of the command line: `--option` and `DATA:option=value` in place of Python's."""

from __future__ import annotations

import argparse
import re
from functools import partial

# Options that stand behind the path of a data set.
_OF_DATA = (
    "label",
    "target",
    "mask",
    "image",
    "images",
    "channels",
    "patient",
    "split",
    "slice",
    "labels",
    "folder",
    "allow_outside",
    "split_file",
)
_VALUE = r"('[^']*'|\"[^\"]*\"|\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|True|False|[A-Z]+\b|\.\.\.|-?\d+(?:\.\d+)?)"
_PHRASES = {
    r"Samples\.split\(\) makes the parts": "`medzoo split` makes the parts",
    r"Take one part(?: first)?: [^ ]*samples\.part\('train'\).*?\.\.\.\)\.": "Give data without splits.",
    r"(?:medzoo\.data\.)?(?:read|from_\w+)\((?:path|PATH), (\w+=.*?)\)(?=[.,; ]|$)": r"\1",
}


def in_cli_words(text: str, options: argparse.Namespace) -> str:
    """Return a message with the options of a command, and those of its data, as they are written on the command line.

    Example:
        >>> in_cli_words("Name the column, label='dx'.", argparse.Namespace(data="t.csv"))
        'Name the column, DATA:label=dx.'
    """
    for phrase, words in _PHRASES.items():
        text = re.sub(phrase, words, text)
    given = vars(options)
    own = [name for name in given if name not in ("command", "debug", "name", "data")]
    of_data = [name for name in _OF_DATA if "data" in given and name not in given]
    for name in {*own, *of_data}:
        start = f"DATA:{name}=" if name in of_data else f"--{name.replace('_', '-')} "
        text = re.sub(rf"(?<![\w`'.:]){name}={_VALUE}", partial(_option, start), text)
        text = text.replace(f"`{name}`", start.rstrip() + ("..." if name in of_data else ""))
    return text


def _option(start: str, match: re.Match[str]) -> str:
    return start + _plain(match[1])


def _plain(value: str) -> str:
    """Return a value without quotes and brackets, as it stands behind an option."""
    if value in ("True", "False"):
        return value.lower()
    if value[0] in "([":
        return ",".join(part.strip().strip("'\"") for part in value[1:-1].split(",") if part.strip())
    return value.strip("'\"")
