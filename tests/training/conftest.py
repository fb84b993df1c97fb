from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

pytest.importorskip("tensorflow")

from medzoo.data import read
from medzoo.data.synthetic import make_coco
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.train import train
from tests.conftest import RECIPE


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


@pytest.fixture(scope="session")
def recipe():
    """Three epochs of two steps, with words for its card."""
    return replace(RECIPE, card={"summary": "Of no use."})


@pytest.fixture(scope="session")
def samples(tmp_path_factory):
    """Eight scans to train and four to validate on."""
    folder = tmp_path_factory.mktemp("data")
    make_coco(folder / "train", 8, size=32)
    make_coco(folder / "valid", 4, seed=100, size=32)
    return read(folder)


@pytest.fixture(scope="session")
def _finished(recipe, samples, tmp_path_factory):
    run = tmp_path_factory.mktemp("finished") / "run"
    return run, train(recipe, samples, run, verbose=0).get_weights()


@pytest.fixture(scope="session")
def _interrupted(recipe, samples, tmp_path_factory):
    run = tmp_path_factory.mktemp("interrupted") / "run"
    write = Checkpoints.write

    def write_once(checkpoints, model, history, head):
        if len(history) == 2:
            raise Killed
        write(checkpoints, model, history, head)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "write", write_once)
        with pytest.raises(Killed):
            train(recipe, samples, run, verbose=0)
    return run


@pytest.fixture
def finished(_finished, tmp_path):
    """Folder of a run that went to its end, and the weights that it gave."""
    return shutil.copytree(_finished[0], tmp_path / "finished"), _finished[1]


@pytest.fixture
def interrupted(_interrupted, tmp_path):
    """Folder of a run that was killed after its first epoch was written and before the second."""
    return shutil.copytree(_interrupted, tmp_path / "interrupted")
