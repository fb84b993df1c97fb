"""The progress bar, and time in words."""

import pytest

from medzoo.progress import duration, progress_bar, track


@pytest.fixture
def terminal(monkeypatch):
    """Let rich take stderr for a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")


def test_without_a_terminal_items_pass_in_silence(capsys):
    assert list(track(range(3), "Packing")) == [0, 1, 2]
    assert capsys.readouterr() == ("", "")


def test_items_are_taken_one_by_one():
    taken = []
    items = track((taken.append(number) or number for number in range(3)), "Packing", 3)
    assert taken == []
    assert next(items) == 0
    assert taken == [0]


def test_a_terminal_is_told_what_is_done(capsys, terminal):
    list(track([1, 2], "Packing [all]"))
    assert "Packing [all]" in capsys.readouterr().err


def test_lines_that_are_printed_under_a_bar_go_into_the_file_that_stdout_is(capsys, terminal):
    for number in track([1], "Predicting"):
        print(f"{number}.png: tumor")
    assert capsys.readouterr().out == "1.png: tumor\n"


def test_a_bar_that_is_kept_writes_its_lines_and_its_end_without_a_terminal(capsys):
    with progress_bar("Searching", 2, keep=True) as bar:
        bar.say("Trial 0000 [a] -> 0.5")
        bar.show(2, "2/2 trials")
    shown = capsys.readouterr()
    assert not shown.out
    assert shown.err.startswith("Trial 0000 [a] -> 0.5\n")
    assert "2/2 trials" in shown.err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "1 s"), (59.4, "59 s"), (59.6, "1 min"), (3599, "1 h 0 min"), (7380, "2 h 3 min"), (100_000, "1 d 4 h")],
)
def test_duration_is_in_the_units_that_are_read(seconds, words):
    assert duration(seconds) == words
