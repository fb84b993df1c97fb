import io
import json
import logging
import sys

import pytest

from medzoo.cli import main
from medzoo.cli.parser import PlainText
from medzoo.errors import printable
from medzoo.evaluation.tables import align
from medzoo.progress import Lines
from medzoo.task import Regression, Segmentation

EVIL = "tu\x1b[2Jmor\x9b2J\u202e"


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


def test_cells_of_a_table_are_plain():
    assert align([(EVIL, "0.5"), ("  dice\n", "1")]) == ["tumor    0.5", "  dice     1"]


@pytest.mark.parametrize("name", [EVIL, "bell\a"])
@pytest.mark.parametrize(
    "make",
    [
        lambda name: Segmentation(("background", name)),
        lambda name: Regression(target=name),
        lambda name: Regression(target="age", unit=name),
    ],
)
def test_labels_that_a_terminal_obeys_are_refused(make, name):
    with pytest.raises(ValueError, match="no control characters.*Rename it") as caught:
        make(name)
    assert str(caught.value).isprintable()


def test_labels_of_all_scripts_are_taken():
    labels = ("\u0622\u0628\u200c\u0647", "Gef\u00e4\u00df", "\u816b\u7624")
    assert Segmentation(labels).labels == labels


def test_log_is_plain(caplog):
    with caplog.at_level(logging.WARNING, "medzoo"):
        logging.getLogger("medzoo").warning("%s is left out", EVIL)
    assert caplog.messages == ["tumor is left out"]


def test_lines_of_progress_are_plain(capsys):
    Lines(EVIL, 2).say(f"{EVIL}: 1 of 2")
    assert capsys.readouterr().err == "tumor: 1 of 2\n"


def test_stream_of_the_command_line_is_plain():
    stream = PlainText(io.StringIO())
    print(EVIL, "\tnext", file=stream)
    assert stream.getvalue() == "tumor \tnext\n"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_runs_of_strangers_are_printed_plainly(tmp_path, capsys, options):
    folder = tmp_path / f"run{EVIL}"
    folder.mkdir()
    numbers = {"score": 0.5, "epochs": 1, "epochs_at_most": 2, "seconds": 3}
    record = {**numbers, "status": EVIL, "score_name": EVIL, "date": EVIL, "sessions": [{}]}
    (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(SystemExit):
        main(["runs", str(tmp_path), *options])
    said = capsys.readouterr().out
    assert "mor" in said
    assert {letter for letter in said if not letter.isprintable()} == {"\n"}


def test_streams_are_given_back(tmp_path, capsys):
    before = sys.stdout
    with pytest.raises(SystemExit):
        main(["runs", str(tmp_path)])
    assert sys.stdout is before
