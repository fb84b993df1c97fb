"""A training on cached features, against one that runs its frozen encoder in every epoch."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from medzoo.data import from_arrays
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification
from medzoo.training.train import train

RECIPE = Recipe(
    name="frozen-classifier",
    task=Classification(("cyst", "normal")),
    preprocessing=Preprocessing((8, 8)),
    builder={"name": "classifier", "encoder": {"name": "plain", "filters": [4, 8]}, "hidden": [4]},
    freezing={"name": "frozen", "views": 0},
    optimizer={"name": "adamw", "learning_rate": 1e-2},
    batch_size=4,
    epochs=2,
)
# A change of nothing: with an augmentation and without views, every epoch runs the encoder.
NAIVE = replace(RECIPE, freezing={"name": "frozen"}, augmentation={"brightness": 0})


@pytest.fixture(scope="module")
def samples():
    pixels = np.random.default_rng(0).integers(256, size=(12, 8, 8), dtype=np.uint8)
    splits = ["train"] * 8 + ["valid"] * 4
    return from_arrays(pixels, [0, 1] * 6, labels=RECIPE.task.labels, splits=splits)


@pytest.fixture(scope="module")
def runs(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    models = [train(recipe, samples, folder / name, 0) for name, recipe in (("cached", RECIPE), ("naive", NAIVE))]
    return folder, models


def history_of(run):
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_losses_and_scores_are_those_of_the_naive_way(runs):
    folder, _ = runs
    cached, naive = history_of(folder / "cached"), history_of(folder / "naive")
    names = {"loss", "val_loss", "val_balanced_accuracy"}
    assert names <= cached[0].keys() and len(cached) == 2
    for one, other in zip(cached, naive, strict=True):
        assert [float(one[name]) for name in names] == pytest.approx([float(other[name]) for name in names], abs=1e-3)


def test_the_models_are_the_same(runs):
    _, (cached, naive) = runs
    for one, other in zip(cached.get_weights(), naive.get_weights(), strict=True):
        assert one == pytest.approx(other, abs=1e-3)
