"""Clusters measured for a recipe, and by the command."""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace

import keras
import numpy as np
import pytest

from medzoo.cli import features as command
from medzoo.data import from_arrays
from medzoo.features import clusters
from medzoo.features.clusters import cluster, fit_clusters, intensities, pooled_features
from medzoo.files import read_json
from medzoo.models import build
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification
from medzoo.zoo_model import ZooModel

PLAIN = {"name": "plain", "filters": (4, 4)}


@pytest.fixture(scope="module")
def images():
    """Dark, medium and bright images."""
    draw = np.random.default_rng(0)
    return np.stack([draw.integers(level, level + level // 4, (8, 8)) for level in (10, 100, 200) * 4]).astype(np.uint8)


@pytest.fixture(scope="module")
def samples(images):
    return from_arrays(images, [0, 1, 1] * 4, labels=("dark", "light"))


@pytest.fixture
def recipe():
    builder = {"name": "classifier", "encoder": PLAIN, "clusters": {"of": "intensity"}}
    return Recipe("tiny", Classification(("dark", "light")), Preprocessing((8, 8), normalization="type_range"), builder)


def test_intensities_are_those_of_the_preprocessed_images(images, samples, recipe):
    values = intensities(samples, recipe.preprocessing, recipe.task)
    scaled = images / 255
    assert values == pytest.approx(np.stack([scaled.mean((1, 2)), scaled.std((1, 2))], axis=1), abs=1e-6)


def test_fitted_recipe_builds_a_network_that_finds_the_clusters(samples, recipe):
    fitted = fit_clusters(recipe, samples)
    wanted = fitted.builder["clusters"]
    assert (wanted["of"], wanted["count"]) == ("intensity", 3)
    assert build(fitted.builder, (8, 8, 1), 1, "sigmoid").get_layer("head_clusters").output.shape == (None, 7)
    assert Recipe.from_json(fitted.to_json()) == fitted


def test_the_wanted_count_is_kept(samples, recipe):
    recipe = replace(recipe, builder={**recipe.builder, "clusters": {"of": "intensity", "count": 4}})
    assert len(fit_clusters(recipe, samples).builder["clusters"]["centers"]) == 4


def test_what_is_fitted_or_has_no_clusters_stays_as_it_is(samples, recipe):
    fitted = fit_clusters(recipe, samples)
    plain = clusters.without_clusters(recipe)
    assert fit_clusters(fitted, samples[:1]) is fitted
    assert fit_clusters(plain, samples[:1]) is plain
    assert plain.builder == {"name": "classifier", "encoder": {"name": "plain", "filters": [4, 4]}}


def test_clusters_of_features_need_a_frozen_encoder(samples, recipe):
    recipe = replace(recipe, builder={**recipe.builder, "clusters": {"of": "features"}})
    for freezing in (None, {"name": "gradual"}, {"name": "frozen", "until": "stage_1"}):
        with pytest.raises(ValueError, match='need an encoder that stays as it is: set freezing={"name": "frozen"}'):
            fit_clusters(replace(recipe, freezing=freezing), samples)


def test_clusters_of_features_are_of_the_weights_that_training_begins_with(images, samples, recipe):
    wanted = {"of": "features", "count": 3}
    recipe = replace(recipe, freezing={"name": "frozen"}, builder={**recipe.builder, "clusters": wanted})
    fitted = fit_clusters(recipe, samples)
    # As training does.
    keras.utils.set_random_seed(recipe.seed)
    model = ZooModel.from_recipe(fitted)
    ids = keras.Model(model.input, model.get_layer("head_clusters_nearest").output)
    found = ids.predict_on_batch(images[..., None].astype(np.float32) / 255).argmax(axis=1)
    assert found.tolist() == cluster(pooled_features(samples, recipe), 3).labels.tolist()
    assert len(set(found)) == 3


def test_images_of_one_brightness_are_refused(images, samples, recipe):
    equal = replace(recipe, preprocessing=Preprocessing((8, 8), normalization="standardize"))
    with pytest.raises(ValueError, match="A preprocessing that normalises each image by itself"):
        fit_clusters(equal, samples)


@pytest.fixture
def call(monkeypatch, samples, recipe, tmp_path):
    """A function that runs the command and returns its folder."""

    def call(*arguments):
        monkeypatch.setattr("medzoo.data.read", lambda path: samples)
        recipe.save(tmp_path / "recipe.json")
        parser = argparse.ArgumentParser()
        command.add_commands(parser.add_subparsers())
        given = ["clusters", "data", "--recipe", tmp_path / "recipe.json", "-o", tmp_path / "out", *arguments]
        options = parser.parse_args(list(map(str, given)))
        options.command(options)
        return tmp_path / "out"

    return call


def test_the_command_writes_the_cluster_of_each_case_and_figures(call, capsys):
    folder = call()
    rows = list(csv.DictReader((folder / "clusters.csv").read_text().splitlines()))
    assert [row["cluster"] for row in rows] == ["0", "1", "2"] * 4
    assert (rows[0]["case"], rows[0]["label"]) == ("array 0000", "dark")
    assert float(rows[0]["mean"]) == pytest.approx(0.04, abs=0.01)
    record = read_json(folder / "clusters.json")
    assert record["cases"][1] == {"cluster": 1, "cases": 4, "dark": 0, "light": 4}
    assert {path.name for path in folder.glob("*.png")} == {"elbow.png", "silhouette.png", "scatter.png"}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("chosen")] == ["3"]
    assert lines[-1].endswith('"clusters": {"of": "intensity", "count": 3}')


def test_the_command_takes_a_count_and_features(call):
    folder = call("--of", "features", "--count", "2")
    record = read_json(folder / "clusters.json")
    assert (record["of"], record["count"], len(record["centers"][0])) == ("features", 2, 4)
    assert "mean" not in (folder / "clusters.csv").read_text().splitlines()[0]
