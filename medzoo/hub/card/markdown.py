"""Text of a recipe into Markdown: it is shown, and changes nothing of the page around it."""

from __future__ import annotations

import json
import re
import shlex

# These would open a block that swallows the rest of the page, or run as a program where the page is shown.
_FENCES = re.compile(r"`{3,}|~{3,}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PROGRAMS = re.compile(r"(?i)(javascript|vbscript|data(?=\\?:\s*text))(?=\\?:)")


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def words(value: object) -> Markdown:
    """Return paragraphs, in which Markdown is allowed and HTML is shown as it is written.

    Example:
        >>> words("children < 5 years, **never** adults")
        'children &lt; 5 years, **never** adults'
    """
    text = _plain(value).strip().replace("&", "&amp;").replace("<", "&lt;")
    return Markdown(_PROGRAMS.sub(r"\1 ", _FENCES.sub(lambda fence: fence[0][0], text)))


def line(value: object) -> Markdown:
    """Return one line that stays in its heading or in its cell of a table; Markdown is left as it is.

    A backslash before the bar would not do: the one that a text brings itself would undo it.

    Example:
        >>> line("fat|water")
        'fat&#124;water'
    """
    return value if isinstance(value, Markdown) else Markdown(words(_one_line(value)).replace("|", "&#124;"))


def python_text(value: object) -> Markdown:
    r"""Return a text as Python has it in a program, in one line.

    Example:
        >>> print(python_text('my "unet"'))
        "my \"unet\""
    """
    return Markdown(json.dumps(_one_line(value), ensure_ascii=False))


def shell_word(value: object) -> Markdown:
    """Return a text as one word of a command, in one line.

    Example:
        >>> shell_word("my unet")
        "'my unet'"
    """
    return Markdown(shlex.quote(_one_line(value)))


def _one_line(value: object) -> str:
    return " ".join(_plain(value).split())


def _plain(value: object) -> str:
    return _CONTROLS.sub("", str(value))
