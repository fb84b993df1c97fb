import pytest

from medzoo.errors import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Größe 3 µm, 模型", "Größe 3 µm, 模型"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://example.org\x1b\\link", "link"),
        ("\x9b2Jtext", "text"),
        ("back\b\b\bspace\r\x00", "backspace"),
        ("safe\u202egnp.exe\u2066", "safegnp.exe"),
        ("a\n\n  b\tc", "a b c"),
        ("line\u2028line", "line line"),
        ("\x1b", ""),
        ("\x1b[", "["),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text, expected):
    assert printable(text) == expected


def test_lines_are_kept_on_request():
    assert printable("a\r\n\tb\rc\x1b[2J\n", lines=True) == "a\n\tbc\n"
