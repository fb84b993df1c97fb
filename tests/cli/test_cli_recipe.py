"""The recipe of a command, and the options that change it."""

import json

import pytest

from medzoo.cli import main
from tests.conftest import RECIPE


@pytest.fixture
def recipe_file(tmp_path):
    RECIPE.save(tmp_path / "recipe.json")
    return str(tmp_path / "recipe.json")


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def test_a_recipe_to_begin_with_has_no_words_and_no_scores(recipe_file, capsys):
    assert run("recipe", recipe_file) == 0
    assert json.loads(capsys.readouterr().out) == {**RECIPE.to_json(), "card": {}, "expected": {}}


def test_the_schema_is_printed(capsys):
    assert run("recipe", "--schema") == 0
    assert json.loads(capsys.readouterr().out)["properties"]["epochs"]["minimum"] == 1


def test_neither_recipe_nor_schema_is_wrong_usage(capsys):
    assert run("recipe") == 2
    assert "--schema" in capsys.readouterr().err


def test_changed_values_are_trained_and_kept(recipe_file, coco_folder, tmp_path, without_onnx):
    options = ("--epochs", "2", "--batch-size", "2", "--set", "optimizer.learning_rate=0.001")
    assert run("train", recipe_file, "--data", str(coco_folder), "-o", str(tmp_path / "run"), *options) == 0
    recipe = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert (recipe["epochs"], recipe["batch_size"], recipe["optimizer"]["learning_rate"]) == (2, 2, 0.001)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "epoch=5"), "Did you mean 'epochs'"),
        (("--set", "epochs"), "FIELD=VALUE"),
        (("--set", "epochs=0"), "--epochs must be a whole number"),
        (("--set", "epochs=5", "--epochs", "6"), "epochs is set twice"),
    ],
)
def test_a_wrong_change_is_one_line_and_touches_no_folder(recipe_file, coco_folder, tmp_path, capsys, options, message):
    assert run("train", recipe_file, "--data", str(coco_folder), "-o", str(tmp_path / "run"), *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
