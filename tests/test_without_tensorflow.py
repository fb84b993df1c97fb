"""Where TensorFlow is not installed, everything but what is made of it imports, and a packed data set trains."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import pytest

from medzoo.data import prepare, read
from medzoo.data.synthetic import make_folders
from medzoo.task import Classification

ROOT = Path(__file__).resolve().parent.parent
# The only modules that are made of TensorFlow.
ONLY_WITH = ("medzoo.data.augment.tf_ops", "medzoo.data.feed.pipeline", "medzoo.data.tfds.")

# As if the packages were not there, in every process below: they are not found, rather than broken.
HIDE = """
import importlib.machinery
HIDDEN = {"tensorflow", "tensorflow_datasets", "tf_keras"}
find = importlib.machinery.PathFinder.find_spec
def find_others(name, *rest):
    return None if name.partition(".")[0] in HIDDEN else find(name, *rest)
importlib.machinery.PathFinder.find_spec = find_others
"""

IMPORT = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not error.name.startswith("tensorflow"):
            raise
        print(name)
"""

# Stopped after an epoch, and gone on with.
TRAIN = """
import sys
import keras
from medzoo.cli import main
from medzoo.data import read
from medzoo.recipe import Recipe
from medzoo.training.train import train

class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyboardInterrupt

recipe, data, run = sys.argv[1:]
try:
    train(Recipe.load(recipe), read(data), run, verbose=0, callbacks=[Stop()])
except KeyboardInterrupt:
    print("stopped", keras.backend.backend(), "tensorflow" in sys.modules)
main(["train", recipe, "--data", data, "-o", run])
"""


@pytest.fixture
def without(tmp_path):
    """A function that runs Python where TensorFlow is not installed, and returns what it prints."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HIDE)
    path = os.pathsep.join((str(tmp_path / "site"), str(ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "KERAS_BACKEND": _backend()}

    def run(*arguments):
        command = [sys.executable, *map(str, arguments)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def _backend():
    """Return the backend of these tests, or in place of TensorFlow the one that compiles nothing."""
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend()
    found = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]
    return found[0] if found else pytest.skip("There is no backend but TensorFlow.")


def test_every_module_but_those_of_tensorflow_imports(without):
    files = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "medzoo").rglob("*.py")]
    names = sorted(".".join(path.parts).removesuffix(".__init__") for path in files if path.name != "__main__")
    missing = without("-c", IMPORT, *names).split()
    assert missing == [name for name in names if name.startswith(ONLY_WITH)]


def test_a_packed_data_set_trains_with_augmentation_and_resumes(without, tiny_recipe, tmp_path):
    make_folders(tmp_path / "pictures", 4, size=16)
    recipe = replace(
        tiny_recipe,
        task=Classification(("healthy", "lesion")),
        builder={"name": "classifier", "encoder": {"name": "residual", "filters": [4]}},
        epochs=2,
    )
    recipe.save(tmp_path / "recipe.json")
    prepare(read(tmp_path / "pictures"), recipe.preprocessing, recipe.task, tmp_path / "data.h5")
    run = tmp_path / "run"
    stopped, *_, trained = without("-c", TRAIN, *(tmp_path / "recipe.json", tmp_path / "data.h5", run)).splitlines()
    assert stopped == f"stopped {_backend()} False"
    assert trained == f"Trained: {run / 'model'}"
    header, *rows = (run / "history.csv").read_text().splitlines()
    assert header.startswith("epoch,")
    assert len(rows) == 2
