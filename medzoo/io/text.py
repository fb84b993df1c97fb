"""Text of strangers, for a terminal."""

from __future__ import annotations

import re
import unicodedata

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
