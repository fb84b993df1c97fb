"""Tables of a cross-validation: means, deviations, and pooled scores."""

import argparse
import csv
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from medzoo.cli import train
from medzoo.evaluation.record import Evaluation
from medzoo.task import Classification, Regression, Segmentation
from medzoo.training.cross_validation.scores import CrossValidation, FoldScores, pool, shown_scores

FACTS = {"data": {}, "n_patients": None, "interval": {}, "versions": {}, "hardware": {}, "date": "", "seconds": 0.0}
JOINT = {"r2": {"value": 0.25, "low": 0.125, "high": 0.375}}


def record(task, cases=(), **scores):
    scores = {name: {"value": value, "low": None, "high": None} for name, value in scores.items()}
    return Evaluation(task.name, task.labels, n_cases=len(cases), cases=list(cases), scores=scores, **FACTS)


def fold_scores(part="valid", name="pooled"):
    records = (record(Regression(), [{}, {}], r2=0.5, mae=1.0), record(Regression(), [{}, {}], r2=0.25, mae=None))
    return FoldScores(part, records, name, JOINT)


def result_of(**parts):
    parts = {"test": None, **parts}
    return CrossValidation("tiny", histories=(), model=SimpleNamespace(task=Regression()), **parts)


def test_mean_and_deviation_leave_out_folds_without_the_score():
    scores = fold_scores()
    assert (scores.mean["r2"], scores.std["r2"]) == (0.375, 0.125)
    assert (scores.mean["mae"], scores.std["mae"]) == (1.0, 0.0)


def test_a_score_that_no_fold_has_stays_unknown():
    records = (record(Regression(), r2=None), record(Regression(), r2=None))
    scores = FoldScores("valid", records, "pooled", {})
    assert scores.mean["r2"] is scores.std["r2"] is None
    assert scores.table(Regression())[3].split() == ["mean", "+-", "std", "-"]


def test_a_score_that_only_some_folds_have_is_theirs():
    records = (record(Regression(), r2=0.5), record(Regression(), r2=0.5, mae=2.0))
    assert FoldScores("valid", records, "pooled", {}).mean == {"r2": 0.5, "mae": 2.0}


def test_cases_of_folds_add_up_and_those_held_out_are_the_same():
    assert fold_scores("valid").n_cases == 4
    assert fold_scores("test").n_cases == 2


def test_table_has_folds_mean_and_joint_score():
    title, *lines = str(result_of(valid=fold_scores())).splitlines()
    assert title == "Each fold on its own validation part, of 4 cases in all"
    cells = [line.split() for line in lines]
    assert cells[0] == ["r2", "mae"]
    assert cells[1] == ["fold", "1", "0.500", "1.000"]
    assert cells[3] == ["mean", "+-", "std", "0.375", "+-", "0.125", "1.000", "+-", "0.000"]
    assert cells[4] == ["pooled", "0.250", "-"]
    assert cells[5] == ["95%", "interval", "0.125", "to", "0.375", "-"]


def test_held_out_set_has_a_table_of_its_own():
    blocks = str(result_of(valid=fold_scores(), test=fold_scores("test", "ensemble"))).split("\n\n")
    assert [block.splitlines()[-2].split()[0] for block in blocks] == ["pooled", "ensemble"]


def test_csv_has_a_row_for_each_model_and_part(tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.training.cross_validation.scores.fold_figures", lambda *_: {})
    result_of(valid=fold_scores(), test=fold_scores("test", "ensemble")).save(tmp_path)
    with open(tmp_path / "crossval.csv", newline="") as file:
        rows = {(row["part"], row["model"]): row["r2"] for row in csv.DictReader(file)}
    assert rows[("valid", "fold 2")] == "0.25"
    assert rows[("valid", "mean")] == "0.375"
    assert rows[("test", "ensemble low")] == "0.125"
    assert len(rows) == 14


def test_table_shows_the_second_of_two_labels_and_the_mean_of_more():
    known = {"accuracy": 1, "f1/a": 1, "f1/b": 1, "f1_macro": 1}
    assert shown_scores(Classification(("a", "b")), known)["f1"] == "f1/b"
    assert shown_scores(Classification(("a", "b", "c")), known)["f1"] == "f1_macro"


def test_pooled_classification_is_that_of_all_cases():
    task, generator = Classification(("well", "ill"), temperature=2.0), np.random.default_rng(0)
    ill, probability = generator.integers(2, size=20), np.round(generator.random(20), 6)
    cases = [
        {"true": task.labels[index], "probability/well": round(1 - value, 6), "probability/ill": value}
        for index, value in zip(ill, probability, strict=True)
    ]
    records = [record(task, part, **{"accuracy": 0.5, "auc/ill": 0.5}) for part in (cases[:12], cases[12:])]
    found = pool(task, records, tuple(map(str, range(20))))
    assert set(found) == {"accuracy", "auc/ill"}
    assert found["accuracy"]["value"] == pytest.approx(np.mean((probability >= 0.5) == ill))
    assert found["auc/ill"]["value"] == pytest.approx(roc_auc_score(ill, probability), abs=1e-6)
    assert found["auc/ill"]["low"] < found["auc/ill"]["value"] < found["auc/ill"]["high"]


def test_pooled_regression_is_that_of_all_cases():
    task, true, predicted = Regression("size"), [1.0, 2.0, 3.0, 5.0], [1.5, 2.0, 2.5, 4.0]
    cases = [{"true": one, "predicted": other} for one, other in zip(true, predicted, strict=True)]
    found = pool(task, [record(task, part, r2=0.0) for part in (cases[:2], cases[2:])], tuple("abcd"))
    assert found["r2"]["value"] == pytest.approx(r2_score(true, predicted))


def test_pooled_segmentation_is_the_mean_over_all_cases_with_a_true_mask():
    task = Segmentation()
    cases = [{"dice": value, "iou": value} for value in (1.0, 0.5, None, 0.0)]
    records = [record(task, part, dice=0.0, dice_per_case=0.0) for part in (cases[:3], cases[3:])]
    found = pool(task, records, tuple("abcd"))
    assert found.keys() == {"dice_per_case"}
    assert found["dice_per_case"]["value"] == 0.5


class Result:
    histories = (1, 2, 3)

    def __str__(self):
        return "the table"


@pytest.mark.parametrize("folds", ["3", "folds.csv"])
def test_command_prints_the_table_and_where_things_are(folds, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("medzoo.cli.recipe.load_recipe", lambda name: name)
    monkeypatch.setattr("medzoo.data.read", lambda path: path)
    monkeypatch.setattr(
        "medzoo.training.cross_validation.cross_validate", lambda *values, **_: asked.append(values) or Result()
    )
    parser = argparse.ArgumentParser()
    train.add_commands(parser.add_subparsers())
    arguments = ["recipe.json", "--data", "data", "--folds", folds, "--holdout", "0.2", "-o", "run"]
    options = parser.parse_args(["crossval", *arguments])
    options.command(options)
    assert [str(value) for value in asked[0]] == ["recipe.json", "data", "run", folds, "0.2"]
    shown = capsys.readouterr().out
    assert shown.startswith("the table\n")
    assert "run/fold-3/model" in shown
    assert "run/ensemble" in shown
