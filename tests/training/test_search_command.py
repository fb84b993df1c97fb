"""`medzoo search`, with trainings of a moment."""

import argparse
import json
from dataclasses import replace

import pytest

pytest.importorskip("optuna")

from medzoo.cli import train
from medzoo.training import entries
from medzoo.training.search import run as searches


@pytest.fixture
def command(monkeypatch, tmp_path, tiny_recipe, coco_folder):
    """A function that runs the command on a recipe of one epoch."""
    replace(tiny_recipe, epochs=1, schedule=None).save(tmp_path / "recipe.json")

    def command(*arguments):
        monkeypatch.setattr("medzoo.training.entries.save", lambda model, folder, history: (model, folder, history))
        parser = argparse.ArgumentParser()
        train.add_commands(parser.add_subparsers())
        given = ["search", tmp_path / "recipe.json", "--data", coco_folder, "-o", tmp_path / "run", *arguments]
        options = parser.parse_args([str(argument) for argument in given])
        options.command(options)

    return command


def test_search_trains_compares_and_keeps_the_best_model(command, tmp_path, capsys, monkeypatch):
    (tmp_path / "grid.json").write_text(json.dumps({"optimizer.learning_rate": [1e-2, 1e-9]}))
    saved = []
    monkeypatch.setattr(entries, "best_model", lambda found, samples: saved.append((found, samples)) or "model")
    command("--grid", tmp_path / "grid.json")
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["trial", "val_dice", "learning_rate", "epochs", "seconds", "state"]
    assert {line.split()[0] for line in shown[1:3]} == {"0000", "0001"}
    (found, samples), *_ = saved
    assert (tmp_path / "run" / "trials" / "0001" / "run.json").is_file()
    monkeypatch.undo()
    monkeypatch.setattr("medzoo.zoo_model.ZooModel.fit", lambda *_, **__: pytest.fail("trained again"))
    model = searches.best_model(found, samples)
    assert model.recipe.optimizer["learning_rate"] == found.best.values["optimizer.learning_rate"]
    assert model.recipe.expected["val_dice"] == pytest.approx(found.best.score, abs=1e-4)


@pytest.mark.parametrize("given", [(), ("--grid", "grid.json", "--fractions", "0.1,1")])
def test_search_takes_a_grid_or_fractions(command, given):
    with pytest.raises(ValueError, match="Give --grid FILE to search recipe values, or --fractions 0.1,0.3,1"):
        command(*given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--fractions", "0.1,1", "--prune"), "--prune goes with --grid only"),
        (("--grid", "grid.json", "--seeds", "3"), "--seeds goes with --fractions only"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(command, given, message):
    with pytest.raises(ValueError, match=message):
        command(*given)
