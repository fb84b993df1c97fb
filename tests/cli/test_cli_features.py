"""`medzoo features`."""

import argparse
from dataclasses import replace

import pytest

from medzoo.cli import features
from medzoo.files import write_json
from medzoo.training.train import fit_recipe
from medzoo.zoo.load import load
from medzoo.zoo_model import ZooModel
from tests.estimators.estimator_sets import TASKS, make_recipe, make_samples, shrink_grids

pytest.importorskip("skops")


def _write(evaluation, folder):
    write_json(folder / "evaluation.json", evaluation.to_json())


@pytest.fixture
def run(monkeypatch):
    """A function that runs the command on samples instead of a folder: small grids, no ONNX and no figures."""
    shrink_grids(monkeypatch)
    monkeypatch.setattr(
        "medzoo.evaluation.comparison.estimators.save_report", lambda found, folder, **_: _write(found, folder)
    )
    monkeypatch.setattr("medzoo.zoo.save.save_report", _write)
    monkeypatch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)

    def run(samples, *arguments):
        monkeypatch.setattr("medzoo.data.read", lambda path: samples)
        parser = argparse.ArgumentParser()
        features.add_commands(parser.add_subparsers())
        options = parser.parse_args(["features", *map(str, arguments), "--data", "data"])
        options.command(options)

    return run


@pytest.fixture
def trained(monkeypatch):
    """Which folders were trained in; instead of a training there is a network with random weights."""
    folders = []

    def train(recipe, samples, run):
        folders.append(run)
        run.mkdir(parents=True, exist_ok=True)
        (run / "history.csv").write_text("epoch,loss,val_loss\n1,2.0,3.0\n")
        return ZooModel.from_recipe(fit_recipe(recipe, samples.part("train")))

    monkeypatch.setattr("medzoo.training.train.train", train)
    return folders


def test_recipe_is_trained_first_and_the_best_is_saved(run, trained, tiny_recipe, tmp_path, capsys):
    task = TASKS["regression"]
    make_recipe(tiny_recipe, task).save(tmp_path / "recipe.json")
    run(make_samples(task), tmp_path / "recipe.json", "--estimators", "elastic_net", "-o", tmp_path / "run")
    assert trained == [tmp_path / "run" / "cnn"]
    best = load(tmp_path / "run", verify=True)
    assert best.recipe.name == "tiny-elastic-net"
    assert best.evaluation.data["split"] == "test"
    shown = capsys.readouterr().out
    assert "elastic_net *" in shown
    assert shown.endswith(f"Best estimator: {tmp_path / 'run' / 'best'}\n")


def test_data_without_a_test_part_is_refused_before_training(run, trained, tiny_recipe, tmp_path):
    task = TASKS["regression"]
    make_recipe(tiny_recipe, task).save(tmp_path / "recipe.json")
    samples = replace(make_samples(task), splits=("",) * 24)
    with pytest.raises(ValueError, match='Set "test": 0.2 in the split of the recipe'):
        run(samples, tmp_path / "recipe.json", "-o", tmp_path / "run")
    assert not trained


def test_unknown_estimator_is_refused_before_training(run, trained, tiny_recipe, tmp_path):
    make_recipe(tiny_recipe, TASKS["regression"]).save(tmp_path / "recipe.json")
    with pytest.raises(ValueError, match="Unknown estimator 'lasso'"):
        run(None, tmp_path / "recipe.json", "--estimators", "lasso", "-o", tmp_path / "run")
    assert not trained
