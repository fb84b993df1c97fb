"""`medzoo runs`, and what a training says of its progress."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys

import pytest

from medzoo.cli import train as command
from medzoo.files import write_json
from medzoo.training.callbacks import Progress, progress_line
from medzoo.training.runs import find_runs, runs_table


def make_run(folder, score, status="finished", pid=None, host=None):
    record = {
        **{"status": status, "score": score, "score_name": "val_dice", "epochs": 3, "epochs_at_most": 5},
        **{"seconds": 61.0, "date": "2026-01-31T12:30:00+00:00"},
        "sessions": [{"pid": pid or os.getpid(), "host": host or platform.node()}],
    }
    write_json(folder / "run.json", record)


@pytest.fixture
def dead_pid():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def call(*arguments):
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    options = parser.parse_args(["runs", *map(str, arguments)])
    options.command(options)


def test_runs_of_any_depth_are_listed_best_first(tmp_path):
    for name, score in {"a": 0.1, "search/trials/7": 0.9, "crossval/fold-1": 0.5, "new": None, ".half": 1.0}.items():
        make_run(tmp_path / name, score)
    found = [run.folder.relative_to(tmp_path).as_posix() for run in find_runs(tmp_path)]
    assert found == ["search/trials/7", "crossval/fold-1", "a", "new"]


def test_a_run_whose_process_is_gone_was_killed(tmp_path, dead_pid):
    make_run(tmp_path / "dead", 0.3, "running", dead_pid)
    make_run(tmp_path / "alive", 0.2, "running")
    make_run(tmp_path / "elsewhere", 0.1, "running", dead_pid, host="another")
    assert [run.record["status"] for run in find_runs(tmp_path)] == ["killed", "running", "running"]


def test_runs_prints_a_table_and_the_command_that_tests_one(tmp_path, capsys):
    make_run(tmp_path / "a", 0.25)
    make_run(tmp_path / "b", 0.75)
    (tmp_path / "b" / "model").mkdir()
    call(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == f"{tmp_path}/b finished 0.750 val_dice 3/5 1 min 2026-01-31 12:30".split()
    assert lines[2].startswith(f"{tmp_path}/a")
    assert lines[-1].endswith(f"medzoo evaluate {tmp_path}/b --data DIR -o OUT")


def test_runs_prints_json(tmp_path, capsys):
    make_run(tmp_path / "a", 0.25)
    call(tmp_path, "--json")
    (row,) = json.loads(capsys.readouterr().out)
    assert row["path"] == str(tmp_path / "a")
    assert row["score"] == 0.25


@pytest.mark.parametrize(("name", "message"), [("", "No run.json in or below"), ("absent", "There is no folder")])
def test_a_folder_without_runs_is_an_error(tmp_path, name, message):
    with pytest.raises(FileNotFoundError, match=message):
        find_runs(tmp_path / name)


def test_another_run_json_is_named(tmp_path):
    write_json(tmp_path / "run.json", {"status": "running"})
    with pytest.raises(ValueError, match=r"run\.json is not the record of a run: KeyError\('sessions'\)"):
        find_runs(tmp_path)


def test_time_left_is_the_median_epoch_times_the_epochs_left():
    line = progress_line(3, 40, "val_dice", {1: 0.7, 2: 0.812, 3: 0.812}, [300.0, 19.0, 20.0])
    assert line == "Epoch 3 of 40. Best val_dice 0.812 in epoch 2. At most 12 min left."


def test_time_left_follows_epochs_that_become_slower():
    assert "At most 17 min left" in progress_line(10, 20, "val_dice", {}, [1.0] * 5 + [100.0] * 5)


def test_the_last_epoch_leaves_no_time():
    assert progress_line(2, 2, "val_dice", {1: 0.5}, [1.0]) == "Epoch 2 of 2. Best val_dice 0.500 in epoch 1."


def train_two_epochs(progress):
    for epoch in (1, 2):
        progress.on_epoch_begin(epoch)
        progress.on_epoch_end(epoch, {"val_dice": 0.1 * epoch})
    progress.on_train_end()


def test_progress_goes_on_with_the_best_of_a_resumed_run(capsys):
    train_two_epochs(Progress(3, "val_dice", [{"epoch": 1, "val_dice": 0.9}]))
    shown = capsys.readouterr()
    assert [line.split(" At")[0] for line in shown.err.splitlines()] == [
        "Epoch 2 of 3. Best val_dice 0.900 in epoch 1.",
        "Epoch 3 of 3. Best val_dice 0.900 in epoch 1.",
    ]
    assert not shown.out


def test_progress_is_silent_when_asked(capsys):
    train_two_epochs(Progress(3, "val_dice", verbose=0))
    assert not capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[]", "{}", '{"score": "high"}'])
def test_one_bad_run_does_not_hide_the_others(tmp_path, text, caplog):
    record = {
        "status": "finished",
        "score": 0.5,
        "score_name": "val_dice\x1b[2J",
        "epochs": 1,
        "epochs_at_most": 1,
        "seconds": 1.0,
        "date": "2026-01-01T00:00",
        "sessions": [{"host": "h", "pid": 1}],
    }
    write_json(tmp_path / "good" / "run.json", record)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.json").write_text(text)
    runs = find_runs(tmp_path)
    assert [run.folder.name for run in runs] == ["good"]
    assert "\x1b" not in runs_table(runs)
    assert f"{tmp_path / 'bad' / 'run.json'}" in caplog.text
