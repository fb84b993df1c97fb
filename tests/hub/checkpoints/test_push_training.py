from __future__ import annotations

import os
import shutil

import h5py
import keras
import numpy as np
import pytest

from medzoo.cli import main
from medzoo.data import from_arrays
from medzoo.files import read_json
from medzoo.hub.checkpoints.manifest import latest_epoch
from medzoo.hub.checkpoints.pull import pull_run
from medzoo.hub.checkpoints.push import PushCheckpoints
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification
from medzoo.training.train import train
from tests.conftest import RECIPE

# Two epochs of a head behind the features of its frozen encoder, then one in which the last stage learns, too.
GRADUAL = Recipe(
    name="tiny-classifier",
    task=Classification(("dark", "bright")),
    preprocessing=Preprocessing((8, 8)),
    builder={"name": "classifier", "encoder": {"name": "residual", "filters": [2, 3]}},
    freezing={"name": "gradual", "frozen_epochs": 2, "since": "stride_2"},
    optimizer={"name": "adamw", "learning_rate": 0.02},
    batch_size=4,
    epochs=3,
)


class Lost(BaseException):
    """Stands in for the loss of a machine: nothing catches it."""


class LoseMachine(keras.callbacks.Callback):
    """Loses the machine after its second epoch, when that has been pushed."""

    def __init__(self, pushing):
        super().__init__()
        self._pushing = pushing

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            assert self._pushing.finish()
            raise Lost


def arrays(path):
    """Return all arrays of an HDF5 file by name."""
    found = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(add)
    return found


def test_a_run_resumed_on_another_machine_ends_as_one_that_never_reached_the_hub(hub, repo, titles, tmp_path, caplog):
    labels = np.arange(12) % 2
    images = np.random.default_rng(0).integers(0, 120, (12, 8, 8)) + 100 * labels[:, None, None]
    samples = from_arrays(images.astype(np.uint8), labels.tolist(), labels=GRADUAL.task.labels)
    with hub.down():
        pushing = PushCheckpoints(tmp_path / "alone", repo, every=1)
        alone = train(GRADUAL, samples, tmp_path / "alone", verbose=0, callbacks=[pushing])
    assert "Epoch 3" in caplog.messages[-1]

    pushing = PushCheckpoints(tmp_path / "lost", repo, every=2)
    with pytest.raises(Lost):
        train(GRADUAL, samples, tmp_path / "lost", verbose=0, callbacks=[pushing, LoseMachine(pushing)])
    shutil.rmtree(tmp_path / "lost")

    assert pull_run(repo, tmp_path / "run", GRADUAL) == 2
    pushing = PushCheckpoints(tmp_path / "run", repo)
    resumed = train(GRADUAL, samples, tmp_path / "run", verbose=0, callbacks=[pushing])
    assert all(np.array_equal(*pair) for pair in zip(resumed.get_weights(), alone.get_weights(), strict=True))
    # What was trained on the other machine, with the state of the optimiser; the best epoch may be an earlier one.
    first, second = (arrays(tmp_path / name / "checkpoints/epoch-0003/model.weights.h5") for name in ("alone", "run"))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert titles(repo) == ["Epoch 3 of tiny-classifier", "Epoch 2 of tiny-classifier"]
    assert read_json(tmp_path / "run" / "run.json")["epochs"] == 3


def test_the_command_goes_on_from_the_branch_and_pushes_the_end(
    pushed, run_at, titles, coco_folder, tmp_path, monkeypatch, capsys
):
    finished = run_at(3, "finished")

    def go_on(recipe, samples, run, callbacks):
        assert latest_epoch(run) == 2
        assert [type(callback) for callback in callbacks] == [PushCheckpoints]
        shutil.copytree(finished, run, dirs_exist_ok=True)

    monkeypatch.setattr("medzoo.training.entries.train", go_on)
    monkeypatch.setattr("medzoo.training.entries.save", lambda model, folder, history: folder)
    RECIPE.save(tmp_path / "recipe.json")
    arguments = ["train", tmp_path / "recipe.json", "--data", coco_folder, "-o", tmp_path / "other"]
    with pytest.raises(SystemExit) as end:
        main([*map(os.fspath, arguments), "--push-to", pushed, "--push-every", "2"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert f"Going on from epoch 2 of {pushed}" in said
    assert f"Pushed: {pushed}" in said
    assert titles(pushed) == ["Epoch 3 of tiny-unet", "Epoch 2 of tiny-unet"]


def test_the_command_asks_where_to_push_to(coco_folder, tmp_path, capsys):
    RECIPE.save(tmp_path / "recipe.json")
    arguments = ["train", tmp_path / "recipe.json", "--data", coco_folder, "-o", tmp_path / "run"]
    with pytest.raises(SystemExit) as end:
        main([*map(os.fspath, arguments), "--push-every", "2"])
    assert end.value.code == 2
    assert "--push-to OWNER/NAME" in capsys.readouterr().err
