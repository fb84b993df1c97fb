"""A hundred kills at random moments: what was written before stands, or what was being written does."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import medzoo
from medzoo.data.synthetic import make_coco
from medzoo.entry import read_entry
from medzoo.zoo.find import find_entry
from medzoo.zoo.save import attach_evaluation

pytestmark = [pytest.mark.release, pytest.mark.one_backend]
ROOT = Path(__file__).parents[1]
LONGEST = 120
# Each begins with what it does once, then says so, then does it again and again until it is killed.
WORKERS = {
    "card": """
from medzoo.zoo.save import attach_evaluation
def work(number):
    attach_evaluation("entry", words={"summary": f"Number {number}."})
""",
    "save": """
import medzoo
from dataclasses import replace
model = medzoo.load("entry")
def work(number):
    model.recipe = replace(model.recipe, card={**model.recipe.card, "summary": f"Number {number}."})
    medzoo.save(model, "entry")
""",
    "prepare": """
import medzoo
from medzoo.recipe import Recipe
from medzoo.training.data import prepare_for
recipe = Recipe.load("recipe.json")
samples = medzoo.data.read("data")
def work(number):
    prepare_for(recipe, samples, "packed.h5")
""",
}
LOOP = """
import itertools
for number in itertools.count():
    work(number)
    print("ready", flush=True)
"""


def environment(folder):
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "TMPDIR": str(folder / "temporary")}


def kill_somewhere(folder, code, generator, longest_wait):
    """Start a worker, wait until it has worked once, and kill it in the middle of a later turn."""
    command = [sys.executable, "-c", code + LOOP]
    with subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=subprocess.PIPE) as process:
        started = time.monotonic()
        assert process.stdout.readline() == b"ready\n"
        assert time.monotonic() - started < LONGEST
        time.sleep(generator.uniform(0, longest_wait))
        assert process.poll() is None
        process.kill()


@pytest.fixture
def folder(tiny_recipe, tiny_entry, tmp_path):
    shutil.copytree(tiny_entry, tmp_path / "entry")
    (tmp_path / "temporary").mkdir()
    tiny_recipe.save(tmp_path / "recipe.json")
    make_coco(tmp_path / "data", 8, size=32)
    return tmp_path


@pytest.mark.parametrize(("worker", "kills", "longest_wait"), [("card", 60, 0.3), ("save", 20, 2.0)])
def test_an_entry_that_is_written_anew_outlives_kills(folder, worker, kills, longest_wait):
    generator, before = random.Random(worker), set(folder.iterdir())
    for _ in range(kills):
        kill_somewhere(folder, WORKERS[worker], generator, longest_wait)
        # Found under its name, with every file as its manifest says.
        entry = read_entry(find_entry(str(folder / "entry")))
        assert entry.recipe.card["summary"].startswith("Number ")
    assert medzoo.load(folder / "entry").task.labels == ("background", "lesion")
    attach_evaluation(folder / "entry", words={"summary": "The last."})
    assert set(folder.iterdir()) == before
    assert read_entry(folder / "entry").recipe.card["summary"] == "The last."


def test_packed_data_outlives_kills(folder):
    generator, before = random.Random(0), set(folder.iterdir())
    for _ in range(20):
        kill_somewhere(folder, WORKERS["prepare"], generator, 0.3)
        assert len(medzoo.data.read(folder / "packed.h5")) == 8
    # A process looks once for what others left.
    subprocess.run(
        [sys.executable, "-c", WORKERS["prepare"] + "work(0)"], cwd=folder, env=environment(folder), check=True
    )
    assert set(folder.iterdir()) == before | {folder / "packed.h5"}
