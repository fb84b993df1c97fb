"""The Hub's licence identifiers, and which of them allow commercial use."""

from __future__ import annotations

import difflib
import re

from medzoo.errors import unknown_name

SOURCE = "https://huggingface.co/docs/hub/repositories-licenses"

_ALLOWED = (
    *("apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause"),
    *("bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0"),
    *("cc-by-sa-4.0", "cc-by-nd-4.0", "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl"),
    *("ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl", "gpl-2.0"),
    *("gpl-3.0", "lgpl", "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "isc", "lppl-1.3c", "ms-pl", "mpl-2.0", "odc-by", "odbl"),
    *("openmdw-1.0", "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl"),
)
_REFUSED = (
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0"),
    *("cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "apple-amlr", "deepfloyd-if-license", "h-research", "intel-research"),
    "fair-noncommercial-research-license",
)
# Families that hold both kinds, and terms that name uses (OpenRAIL-M forbids to interpret medical results) or users.
_DEPENDS = (
    *("cc", "c-uda", "apple-ascl", "openrail", "openrail++", "bigscience-openrail-m", "bigscience-bloom-rail-1.0"),
    *("creativeml-openrail-m", "bigcode-openrail-m", "gemma", "grok2-community"),
    *("llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "unknown", "other"),
)

# Identifier to whether it allows commercial use; None where that cannot be said of the identifier alone.
LICENSES: dict[str, bool | None] = {
    **dict.fromkeys(_ALLOWED, True),
    **dict.fromkeys(_REFUSED, False),
    **dict.fromkeys(_DEPENDS),
}

# Full names to the words of the identifiers; in this order, on lower case.
_WORDS = (
    (r"https?://(www\.)?creativecommons\.org/(licenses|publicdomain)", "cc"),
    (r"creative commons", "cc"),
    (r"\bcc[ /-]zero\b", "cc0"),
    (r"\bnon[ -]?commercial\b", "nc"),
    (r"\bshare[ -]?alike\b", "sa"),
    (r"\bno[ -]?deriv(ative)?s\b", "nd"),
    (r"\battribution\b", "by"),
    (r"\bgnu lesser general public\b", "lgpl"),
    (r"\bgnu affero general public\b", "agpl"),
    (r"\bgnu general public\b", "gpl"),
    (r"\bmozilla public\b", "mpl"),
    (r"(?<![.\d])\bv(ersion)?\.? ?(?=\d)", " "),
    (r"(?<=gpl)v(?=\d)", " "),
    (r"\b(the|licen[cs]e|clause|international|unported|universal|deed|or[ -]later|only)\b", " "),
)


def find_license(text: object) -> str | None:
    """Return the Hub's identifier of a licence that is written in some way, or None for one that is not known.

    Example:
        >>> find_license("CC BY 4.0")
        'cc-by-4.0'
    """
    return _BY_KEY.get(_key(text)) if isinstance(text, str) else None


def normalise(text: object) -> str:
    """Return the Hub's identifier of a licence.

    Args:
        text: The identifier, or the name of the licence as people write it.

    Raises:
        ValueError: The Hub does not know it; near matches are in the message.

    Example:
        >>> normalise("Apache License, Version 2.0")
        'apache-2.0'

    Source: https://huggingface.co/docs/hub/repositories-licenses
    """
    identifier = find_license(text)
    if identifier is None:
        near = difflib.get_close_matches(str(text).casefold(), LICENSES, n=5, cutoff=0.5)
        raise unknown_name("licence", text, near, f"All of them: {SOURCE}")
    return identifier


def allows_commercial(text: object) -> bool | None:
    """Return whether a licence allows commercial use; None where that is not known."""
    return LICENSES.get(find_license(text) or "")


def _key(text: str) -> tuple[str, ...]:
    """Return the words of a licence, so that all ways to write it have the same ones: 2 is 2.0."""
    text = text.lower()
    for pattern, word in _WORDS:
        text = re.sub(pattern, word, text)
    words = re.findall(r"[^\W_]+(?:\.[^\W_]+)*\+*", text)
    return tuple(f"{word}.0" if word.isdigit() else word for word in words)


_BY_KEY = {_key(name): name for name in LICENSES} | {_key("cc0"): "cc0-1.0"}
