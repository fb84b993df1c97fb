"""A run folder belongs to one data set; its recipe may be given more epochs."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from medzoo import Classification, Preprocessing, Recipe
from medzoo.data import from_arrays
from medzoo.data.sources.read import read
from medzoo.data.synthetic import make_coco
from medzoo.training.fingerprint import fingerprint
from medzoo.training.train import train

RECIPE = Recipe(
    name="tiny",
    task=Classification(("0", "1")),
    preprocessing=Preprocessing(size=(8, 8)),
    builder={"name": "classifier", "encoder": {"name": "plain", "filters": [2]}},
    epochs=1,
    batch_size=4,
)
PATIENTS = [f"P{number}" for number in range(12)]


def images(seed=0, count=12):
    return np.random.default_rng(seed).random((count, 8, 8), np.float32)


def labels(count=12):
    return [index % 2 for index in range(count)]


def samples(**changes):
    columns = {"images": images(), "targets": labels(), "patients": PATIENTS, **changes}
    return from_arrays(**columns)


OTHERS = {
    "sizes or pixels of images": {"images": images(seed=1)},
    "targets": {"targets": [1 - label for label in labels()]},
    "patients": {"patients": PATIENTS[::-1]},
    "split": {"splits": ["train"] * 8 + ["valid"] * 4},
    "labels": {"labels": ("no", "yes")},
    "number of images": {"images": images(count=10), "targets": labels(10), "patients": PATIENTS[:10]},
}


@pytest.mark.parametrize("what", OTHERS)
def test_each_change_of_the_data_changes_its_fingerprint(what):
    before, after = fingerprint(samples()), fingerprint(samples(**OTHERS[what]))
    assert what in {name for name in before if before[name] != after[name]}


def test_the_same_data_in_another_order_has_the_same_fingerprint(tmp_path):
    make_coco(tmp_path / "data", 4, size=32)
    data = read(tmp_path / "data")
    assert fingerprint(data) == fingerprint(data[::-1])


def test_a_moved_folder_has_the_same_fingerprint_and_a_redrawn_mask_another(tmp_path):
    make_coco(tmp_path / "data", 4, size=32)
    before = fingerprint(read(tmp_path / "data"))
    moved = shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    assert fingerprint(read(moved)) == before
    file = next(moved.rglob("*.json"))
    content = json.loads(file.read_text())
    shape = content["annotations"][0]["segmentation"]
    shape[0][0] += 1
    file.write_text(json.dumps(content))
    after = fingerprint(read(moved))
    assert {name for name in before if before[name] != after[name]} == {"targets"}


def test_a_run_on_other_data_is_refused_and_untouched_and_on_the_same_goes_on(tmp_path):
    run = tmp_path / "run"
    train(RECIPE, samples(), run, verbose=0)
    history, record = (run / "history.csv").read_bytes(), (run / "run.json").read_bytes()
    with pytest.raises(ValueError, match="holds a run on other data.*Different: targets"):
        train(RECIPE, samples(**OTHERS["targets"]), run, verbose=0)
    more = replace(RECIPE, epochs=2)
    with pytest.raises(ValueError, match=r"Different: number of images \(12 there, 10 now\)"):
        train(more, samples(**OTHERS["number of images"]), run, verbose=0)
    assert ((run / "history.csv").read_bytes(), (run / "run.json").read_bytes()) == (history, record)
    train(more, samples(), run, verbose=0)
    assert len((run / "history.csv").read_text().splitlines()) == 3
    with pytest.raises(ValueError, match=r"epochs \(2 there, 1 now\)"):
        train(RECIPE, samples(), run, verbose=0)
