from __future__ import annotations

import shutil

import pytest

pytest.importorskip("tensorflow")

from medzoo.files import write_json, write_rows
from medzoo.hub.checkpoints.push import PushCheckpoints
from medzoo.training.checkpoints import Checkpoints
from medzoo.zoo_model import ZooModel
from tests.conftest import RECIPE


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Folders of a run as `train` leaves it after an epoch, named by the epoch; written without a training."""
    folder, history = tmp_path_factory.mktemp("runs"), []
    run, checkpoints = folder / "run", Checkpoints(folder / "run" / "checkpoints", "val_dice")
    model = ZooModel.from_recipe(RECIPE)
    model.compile_from_recipe()
    model.optimizer.build(model.trainable_variables)
    RECIPE.save(run / "recipe.json")
    for epoch, score in ((1, 0.2), (2, 0.3), (3, 0.1)):
        history.append({"epoch": epoch, "loss": 1.0, "val_dice": score, "seconds": 0.1})
        weight = model.trainable_variables[0]
        weight.assign(weight + 1)
        checkpoints.write(model, history)
        write_rows(run / "history.csv", history)
        write_json(run / "run.json", {"status": "running", "epochs": epoch})
        shutil.copytree(run, folder / str(epoch))
    return folder


@pytest.fixture
def run_at(runs, tmp_path):
    """A function that makes the folder of a run, "run" or another, what it is after an epoch."""

    def make(epoch, name="run"):
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        return shutil.copytree(runs / str(epoch), tmp_path / name)

    return make


@pytest.fixture
def repo(hub):
    """A name that no repository has."""
    return hub.new_repo("run")


@pytest.fixture
def pushed(run_at, repo):
    """A repository to which the folder "run" was pushed after epoch 2."""
    assert PushCheckpoints(run_at(2), repo).finish()
    return repo


@pytest.fixture
def titles(hub):
    """A function that returns the messages of what was pushed to a repository, the newest first."""
    return lambda repo: [commit.title for commit in hub.api.list_repo_commits(repo, revision="training")[:-1]]
