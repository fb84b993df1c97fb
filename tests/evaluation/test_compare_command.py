"""The commands `compare` and `calibrate`."""

import argparse
from dataclasses import replace

import numpy as np
import pytest

from medzoo.cli import evaluate
from medzoo.evaluation.validation.calibrate import collect_cases, fit_task
from medzoo.files import read_json
from medzoo.task import Classification


@pytest.fixture
def run(monkeypatch):
    """A function that runs a command on models by name and on samples instead of a folder."""

    def run(models, samples, *arguments, data="data"):
        monkeypatch.setattr("medzoo.zoo.load.load", lambda name: models[name])
        monkeypatch.setattr("medzoo.data.read", lambda path: samples)
        monkeypatch.setattr("medzoo.zoo.save.save", lambda model, folder, **_: folder)
        parser = argparse.ArgumentParser()
        evaluate.add_commands(parser.add_subparsers())
        options = parser.parse_args([*map(str, arguments), "--data", data])
        options.command(options)

    return run


@pytest.fixture
def models(model):
    return {"runs/a/model": model, "runs/b/model": type(model)(model.task, np.zeros_like), "unet": model}


def test_compare_prints_the_difference_and_writes_nothing_unasked(run, models, samples, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    run(models, samples, "compare", "unet", "runs/b/model")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[0] == "unet"
    assert "-0.800" in lines[2]
    assert set(tmp_path.iterdir()) == before


def test_compare_tells_runs_in_folders_of_one_name_apart(run, models, samples, tmp_path):
    run(models, samples, "compare", "runs/a/model", "runs/b/model", "-o", tmp_path / "out")
    assert read_json(tmp_path / "out" / "comparison.json")["models"] == ["A: model", "B: model"]


def test_compare_takes_the_part_that_is_named(run, binary_model, make_pictures, capsys):
    samples = make_pictures((0.1, 0.9), (0, 1), ("well", "ill"), split="test")
    samples += make_pictures((0.1, 0.9, 0.4), (0, 1, 1), ("well", "ill"), tuple("abc"), split="valid")
    run({"a": binary_model}, samples, "compare", "a", "a", "--split", "valid")
    assert capsys.readouterr().out.startswith("3 cases, 3 patients")


def test_calibrate_fits_on_the_validation_part_and_prints_the_change(run, binary_model, make_pictures, capsys):
    samples = make_pictures((0.1, 0.2, 0.3, 0.7, 0.4, 0.6), (0, 0, 0, 0, 1, 1), ("well", "ill"), split="train")
    samples += make_pictures((0.1, 0.8, 0.6, 0.4), (0, 0, 1, 1), ("well", "ill"), tuple("abcd"), split="valid")
    run({"a": binary_model}, samples, "calibrate", "a", "--recall", "1", "-o", "new")
    table, reason = capsys.readouterr().out.split("\n\n")
    lines = {line.rsplit(maxsplit=2)[0]: line.split()[-2:] for line in table.splitlines()[1:]}
    assert lines["recall/ill"] == ["0.500", "1.000"]
    assert lines["threshold"][0] == "0.500"
    # The fitted temperature would make the calibration error of these four cases larger.
    assert reason.startswith("The temperature stays as it was")
    assert binary_model.task.temperature == 1


def test_calibrate_without_parts_takes_what_the_recipe_holds_out(run, binary_model, binary_samples, capsys):
    samples = replace(binary_samples, splits=("",) * 8)
    held_out = samples.split(valid=0.25, seed=3)[1]
    expected = fit_task(collect_cases(binary_model, held_out))
    run({"a": binary_model}, samples, "calibrate", "a", "-o", "new")
    assert binary_model.task == expected


def test_calibrate_of_several_labels_prints_no_threshold(run, grade_model, grade_samples, capsys):
    run({"a": grade_model}, grade_samples, "calibrate", "a", "-o", "new", data="data/valid")
    shown = capsys.readouterr().out
    assert "temperature" in shown
    assert "threshold" not in shown
    assert shown.endswith("-> new\n")


def test_calibrate_that_is_refused_saves_nothing(run, binary_model, binary_samples, capsys):
    with pytest.raises(ValueError, match="at least two labels"):
        samples = replace(binary_samples[:2], splits=("valid",) * 2)
        run({"a": binary_model}, samples, "calibrate", "a", "-o", "new")
    assert binary_model.task == Classification(("well", "ill"))
    assert not capsys.readouterr().out


def test_calibrate_takes_one_rule(run, binary_model, binary_samples, capsys):
    with pytest.raises(SystemExit):
        run({"a": binary_model}, binary_samples, "calibrate", "a", "--recall", "0.9", "--youden", "-o", "new")
    assert "not allowed with" in capsys.readouterr().err
