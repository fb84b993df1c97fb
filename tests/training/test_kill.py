from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from medzoo.training.checkpoints import Checkpoints

ROOT = Path(__file__).parents[2]
LONGEST = 300
EPOCHS = 30


def start(folder):
    """Start the command that a user starts, and starts again."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with open(folder / "log.txt", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "medzoo", "train", "recipe.json", "--data", "data", "-o", "run"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path},
            stdout=log,
            stderr=log,
        )


def kill_when(process, seen):
    """Kill the process as soon as `seen()` is true."""
    deadline = time.monotonic() + LONGEST
    try:
        while not seen():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "it took too long"
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL


def history(run):
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folder(recipe, coco_folder, tmp_path):
    replace(recipe, epochs=EPOCHS, patience=EPOCHS).save(tmp_path / "recipe.json")
    return tmp_path


@pytest.mark.one_backend
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="each of three starts compiles for half a minute")
def test_a_run_killed_twice_goes_to_its_end_with_every_epoch_once(folder):
    run = folder / "run"
    checkpoints = Checkpoints(run / "checkpoints", "val_dice")

    kill_when(start(folder), lambda: checkpoints.epochs())
    first = checkpoints.latest
    assert 1 <= first < EPOCHS
    best = checkpoints.score(checkpoints.best)

    # Within the writing of a checkpoint: its temporary folder is there.
    kill_when(start(folder), lambda: checkpoints.latest > first and list(checkpoints.folder.glob(".epoch-*")))
    second = checkpoints.latest
    assert first < second < EPOCHS
    assert checkpoints.score(checkpoints.best) >= best
    best = checkpoints.score(checkpoints.best)

    last = start(folder)
    assert last.wait(LONGEST) == 0, (folder / "log.txt").read_text()
    rows = history(run)
    assert [int(row["epoch"]) for row in rows] == list(range(1, EPOCHS + 1))
    assert checkpoints.score(checkpoints.best) == max(float(row["val_dice"]) for row in rows) >= best
    assert not list(checkpoints.folder.glob(".*"))
    assert (run / "model" / "medzoo.json").is_file()
