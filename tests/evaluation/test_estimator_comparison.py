"""A network and estimators on its features, on the same test cases."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from medzoo.estimators.tuning import Fitted
from medzoo.evaluation.comparison import estimators as module
from medzoo.evaluation.comparison.estimators import compare_estimators
from medzoo.features.extract import Features
from medzoo.files import read_json, write_json
from medzoo.graph.features import feature_network
from medzoo.task import FeatureExtraction
from medzoo.zoo_model import ZooModel
from tests.conftest import RECIPE
from tests.estimators.estimator_sets import TASKS, make_recipe, make_samples, shrink_grids

pytest.importorskip("skops")

NAMES = ["random_forest", "elastic_net"]


@pytest.fixture(scope="module", autouse=True)
def light():
    """Small grids, and records without their figures."""

    def save_report(evaluation, folder, **_):
        write_json(folder / "evaluation.json", evaluation.to_json())

    with pytest.MonkeyPatch.context() as patch:
        shrink_grids(patch)
        patch.setattr(module, "save_report", save_report)
        yield


def make_model(task):
    return ZooModel.from_recipe(make_recipe(RECIPE, task))


def divided(samples):
    return samples.part("train") + samples.part("valid"), samples.part("test")


@pytest.fixture(scope="module")
def model():
    return make_model(TASKS["regression"])


@pytest.fixture(scope="module")
def parts():
    return divided(make_samples(TASKS["regression"]))


@pytest.fixture(scope="module")
def _compared(model, parts, tmp_path_factory):
    run = tmp_path_factory.mktemp("compared") / "run"
    return run, compare_estimators(model, *parts, run, NAMES, data_name="bars")


@pytest.fixture
def compared(_compared, tmp_path):
    """A copy of the folder of a comparison, and what it gave."""
    return shutil.copytree(_compared[0], tmp_path / "run"), _compared[1]


def test_table_has_the_network_and_every_estimator_by_their_test_score(compared):
    table = compared[1].table
    assert {row.name for row in table.rows} == {"cnn", *NAMES}
    scores = [row.evaluation["r2"] for row in table.rows]
    assert scores == sorted(scores, reverse=True)
    text = str(table).splitlines()
    assert text[0].startswith("6 test cases")
    assert text[1].split() == ["inner", "score", *(x for name in table.names for x in (name, "interval"))]


def test_all_rows_are_scored_on_the_same_test_cases(compared, parts):
    for row in compared[1].table.rows:
        assert [case["source"] for case in row.evaluation.cases] == list(parts[1].names)
        assert row.evaluation.data == {"name": "bars", "split": "test"}


def test_record_table_and_figure_are_written(compared):
    run, (table, _) = compared
    record = read_json(run / "estimators.json")
    assert [row["name"] for row in record["rows"]] == [row.name for row in table.rows]
    with open(run / "estimators.csv", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert (
        float(rows["cnn"]["mae_low"]) == next(r for r in table.rows if r.name == "cnn").evaluation.scores["mae"]["low"]
    )
    assert rows["cnn"]["inner_score"] == ""
    assert (run / "figures" / "estimators.png").is_file()


def test_features_of_all_cases_are_written(compared, parts):
    features = Features.load(compared[0] / "features.npz")
    assert features.sources == parts[0].sources + parts[1].sources
    assert features.splits.count("test") == len(parts[1])


def test_best_is_chosen_by_the_inner_folds_and_not_by_the_test_cases(model, parts, tmp_path, monkeypatch):
    fit = module.fit_estimator
    scores = {"random_forest": 0.1, "elastic_net": 0.9}

    def pretend(name, values, targets, *rest):
        found = fit(name, values, targets, *rest)
        if name == "elastic_net":
            found.estimator[-1].intercept_ += 1000
        return Fitted(name, found.estimator, found.parameters, scores[name], 0.0)

    monkeypatch.setattr(module, "fit_estimator", pretend)
    table, best = compare_estimators(model, *parts, tmp_path / "run", NAMES)
    assert [row.name for row in table.rows][-1] == table.best == "elastic_net"
    assert best.recipe.builder["estimator"] == "elastic_net"
    assert best.evaluation["r2"] == table.rows[-1].evaluation["r2"]


def test_test_cases_are_in_no_fit(model, parts, tmp_path, monkeypatch):
    seen = []
    fit = module.fit_estimator

    def watch(name, values, targets, patients, *rest):
        seen.append((len(values), set(patients)))
        return fit(name, values, targets, patients, *rest)

    monkeypatch.setattr(module, "fit_estimator", watch)
    compare_estimators(model, *parts, tmp_path / "run", ["elastic_net"])
    assert seen == [(len(parts[0]), set(parts[0].patients))]
    assert not seen[0][1] & set(parts[1].patients)


def test_what_is_finished_is_not_done_again(compared, model, parts, monkeypatch):
    run, (table, _) = compared
    shutil.rmtree(run / "elastic_net")
    fitted, scored = [], []
    fit, evaluate = module.fit_estimator, module.evaluate
    monkeypatch.setattr(module, "fit_estimator", lambda name, *rest: fitted.append(name) or fit(name, *rest))
    monkeypatch.setattr(
        module, "evaluate", lambda model, *rest, **more: scored.append(model.name) or evaluate(model, *rest, **more)
    )
    monkeypatch.setattr(module, "extract_with", None)
    again = compare_estimators(model, *parts, run, NAMES).table
    assert (fitted, scored) == (["elastic_net"], ["tiny-elastic-net"])
    assert [row.evaluation.scores for row in again.rows] == [row.evaluation.scores for row in table.rows]


def test_features_go_on_after_a_kill(model, parts, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_AT_ONCE", 10)
    extract, read = module.extract_with, []

    def killed(network, preprocessing, samples, **words):
        if len(read) == 2:
            raise KeyboardInterrupt
        read.append(len(samples))
        return extract(network, preprocessing, samples, **words)

    monkeypatch.setattr(module, "extract_with", killed)
    with pytest.raises(KeyboardInterrupt):
        compare_estimators(model, *parts, tmp_path, ["elastic_net"])
    monkeypatch.setattr(
        module, "extract_with", lambda *rest, **words: read.append(len(rest[2])) or extract(*rest, **words)
    )
    compare_estimators(model, *parts, tmp_path, ["elastic_net"])
    assert read == [10, 10, 4]
    monkeypatch.undo()
    whole = extract(feature_network(model), model.preprocessing, parts[0] + parts[1])
    np.testing.assert_allclose(Features.load(tmp_path / "features.npz").values, whole.values, rtol=1e-5)


@pytest.mark.parametrize("change", ["weights", "targets", "layer"])
def test_folder_of_another_comparison_is_refused(compared, parts, model, change):
    known, test = parts
    if change == "weights":
        model = make_model(TASKS["regression"])
        model.set_weights([weight + 1 for weight in model.get_weights()])
    if change == "targets":
        known = replace(known, targets=known.targets[::-1])
    with pytest.raises(ValueError, match="holds estimators of other data"):
        compare_estimators(model, known, test, compared[0], NAMES, layer=1 if change == "layer" else None)


def test_two_processes_in_one_folder_are_refused(model, parts, tmp_path):
    with FileLock(tmp_path / ".lock"), pytest.raises(RuntimeError, match="Another process"):
        compare_estimators(model, *parts, tmp_path, NAMES)


def test_encoder_has_no_row_of_its_own(tmp_path):
    recipe = replace(make_recipe(RECIPE, TASKS["regression"]), task=FeatureExtraction())
    samples = make_samples(TASKS["three labels"])
    table, best = compare_estimators(ZooModel.from_recipe(recipe), *divided(samples), tmp_path, ["elastic_net"])
    assert [row.name for row in table.rows] == ["elastic_net"]
    assert best.task.labels == samples.labels
    assert not best.recipe.card


def test_recipe_that_balances_weights_the_cases(tmp_path, monkeypatch):
    task = TASKS["two labels"]
    model = make_model(task)
    model.recipe = replace(model.recipe, balance={"class_weights": {"small": 1, "large": 3}})
    seen = []
    fit = module.fit_estimator
    monkeypatch.setattr(module, "fit_estimator", lambda *rest: seen.append(rest[-1]) or fit(*rest))
    known, test = divided(make_samples(task))
    compare_estimators(model, known, test, tmp_path, ["elastic_net"])
    np.testing.assert_array_equal(seen[0], np.where(known.targets, 3, 1))


def test_masks_are_refused(tiny_model, coco_folder, tmp_path):
    from medzoo.data import read

    samples = read(coco_folder)
    with pytest.raises(ValueError, match="the samples have masks"):
        compare_estimators(tiny_model, *divided(samples), tmp_path, NAMES)


def test_patient_on_both_sides_is_refused(model, parts, tmp_path):
    known, test = parts
    with pytest.raises(ValueError, match="more than one part"):
        compare_estimators(model, known, replace(test, patients=known.patients[: len(test)]), tmp_path, NAMES)
