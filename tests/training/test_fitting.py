"""Regimes of training, killed and resumed in each."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from medzoo.data import from_arrays
from medzoo.features.cache import FeatureCache
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.train import train

# All that a resumed run has to go on with: phases, moments, rates, random draws.
RECIPE = Recipe(
    name="tiny-classifier",
    task=Classification(("dark", "bright")),
    preprocessing=Preprocessing((8, 8)),
    builder={
        "name": "classifier",
        "encoder": {"name": "plain", "filters": [2, 3, 4]},
        "hidden": [4],
        "dropout": 0.5,
    },
    freezing={"name": "gradual", "frozen_epochs": 2, "stage_epochs": 2, "since": "stage_2", "rate_factor": 0.5},
    optimizer={"name": "adamw", "learning_rate": 0.02, "clipnorm": 1.0, "gradient_accumulation_steps": 2},
    schedule={"name": "plateau", "factor": 0.5, "patience": 1},
    batch_size=4,
    epochs=6,
)


# In the phase of features, between two phases, in the second; one is enough where every start compiles for long.
KILLED_AFTER = [1, 2, 3] if keras.backend.backend() == "tensorflow" else [3]


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def samples():
    labels = np.arange(12) % 2
    images = np.random.default_rng(0).integers(0, 120, (12, 8, 8)).astype(np.uint8) + 100 * labels[:, None, None]
    return from_arrays(images.astype(np.uint8), labels.tolist(), labels=("dark", "bright"))


def weights_of(model):
    return [keras.ops.convert_to_numpy(weight) for weight in model.weights]


def kill_after(monkeypatch, epochs):
    """Let training end when so many epochs are written."""
    write = Checkpoints.write

    def write_and_die(checkpoints, model, history, head):
        write(checkpoints, model, history, head)
        if len(history) == epochs:
            raise Killed

    monkeypatch.setattr(Checkpoints, "write", write_and_die)


@pytest.fixture(scope="module")
def unbroken(samples, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken") / "run"
    return train(RECIPE, samples, run, verbose=0), run


@pytest.mark.parametrize("epochs", KILLED_AFTER)
def test_a_resumed_run_gives_what_an_unbroken_one_gives(unbroken, samples, tmp_path, monkeypatch, epochs):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_after(patch, epochs)
        train(RECIPE, samples, tmp_path, verbose=0)
    resumed = train(RECIPE, samples, tmp_path, verbose=0)
    checkpoints = [Checkpoints(run / "checkpoints", RECIPE.task.monitor) for run in (unbroken[1], tmp_path)]
    scores = [
        [{name: value for name, value in row.items() if name != "seconds"} for row in found.history(6)]
        for found in checkpoints
    ]
    assert scores[0] == scores[1]
    for value, other in zip(weights_of(unbroken[0]), weights_of(resumed), strict=True):
        np.testing.assert_array_equal(value, other)


def test_each_phase_changes_the_stages_that_it_unfreezes(samples, tmp_path, monkeypatch):
    seen = []
    write = Checkpoints.write

    def keep(checkpoints, model, history, head):
        seen.append({weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights})
        write(checkpoints, model, history, head)

    monkeypatch.setattr(Checkpoints, "write", keep)
    recipe = replace(RECIPE, optimizer={"name": "sgd", "learning_rate": 0.1}, schedule=None)
    train(recipe, samples, tmp_path, verbose=0)

    def changed(first, second):
        paths = [path for path in seen[0] if not np.array_equal(seen[first][path], seen[second][path])]
        return {"_".join(path.split("_")[:2]) for path in paths if path.startswith("stage")}

    assert [changed(epoch, epoch + 1) for epoch in range(5)] == [
        set(),
        {"stage_3"},
        {"stage_3"},
        {"stage_2", "stage_3"},
        {"stage_2", "stage_3"},
    ]


@pytest.mark.parametrize("balance", [{}, {"sampling": "balanced", "class_weights": [1.0, 3.0]}])
def test_cached_features_train_the_head_as_the_images_do(samples, tmp_path, monkeypatch, balance):
    recipe = replace(RECIPE, freezing={"name": "frozen"}, epochs=3, balance=balance)
    cached = train(recipe, samples, tmp_path / "cached", verbose=0)
    monkeypatch.setattr("medzoo.training.fitting.split_frozen", lambda *_: None)
    naive = train(recipe, samples, tmp_path / "naive", verbose=0)
    rows = [Checkpoints(tmp_path / run / "checkpoints", RECIPE.task.monitor).history(3) for run in ("cached", "naive")]
    for row, other in zip(*rows, strict=True):
        assert row["loss"] == pytest.approx(other["loss"], abs=1e-4)
        assert row["val_loss"] == pytest.approx(other["val_loss"], abs=1e-4)
    for value, other in zip(weights_of(cached), weights_of(naive), strict=True):
        np.testing.assert_allclose(value, other, atol=1e-4)


def test_views_are_augmented_and_validation_images_are_not(samples, tmp_path, monkeypatch):
    shapes = []
    features = FeatureCache.features

    def look(self, *args, **kwargs):
        found = features(self, *args, **kwargs)
        shapes.append(found[0].shape[:2])
        assert args[3] == 0 or np.abs(found[0][0] - found[0][1]).max() > 1e-3
        return found

    monkeypatch.setattr(FeatureCache, "features", look)
    recipe = replace(RECIPE, augmentation={"brightness": 0.5}, freezing={"name": "frozen", "views": 2}, epochs=3)
    train(recipe, samples, tmp_path, verbose=0)
    assert sorted(shapes) == [(1, 2), (2, 10)]


def test_a_folder_in_which_another_process_trains_is_refused(samples, tmp_path):
    from filelock import FileLock

    with FileLock(tmp_path / ".lock"), pytest.raises(RuntimeError, match="Another process works in"):
        train(RECIPE, samples, tmp_path, verbose=0)
    assert not (tmp_path / "recipe.json").exists()


def test_a_loss_of_another_task_is_refused(samples, tmp_path):
    with pytest.raises(
        ValueError, match="Unknown loss for classification 'huber'.*Expected one of: crossentropy, focal"
    ):
        train(replace(RECIPE, loss="huber"), samples, tmp_path, verbose=0)
