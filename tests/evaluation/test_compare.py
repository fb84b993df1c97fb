"""Two models on the same cases."""

import json

import cv2
import numpy as np
import pytest

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.comparison.compare import compare
from medzoo.evaluation.comparison.paired import compare_cases, compare_scores, exchange_p, patient_means
from medzoo.evaluation.intervals import weighted_means
from medzoo.evaluation.regression import RegressionCases
from medzoo.files import read_json
from medzoo.task import Classification, Regression, Segmentation


def copy_of(model, network, name="other"):
    return type(model)(model.task, network, name)


@pytest.fixture
def never_model(model):
    """A segmentation model that finds nothing."""
    return copy_of(model, np.zeros_like)


def regressions(cases=60, seed=0):
    generator = np.random.default_rng(seed)
    true = generator.normal(size=cases)
    errors = generator.normal(size=(2, cases)) * [[1.0], [0.3]]
    return [RegressionCases(Regression(), true, true + error) for error in errors]


PATIENTS = tuple(f"patient {index}" for index in range(60))


def test_compare_gives_scores_of_both_and_the_difference(model, never_model, samples):
    comparison = compare(model, never_model, samples)
    score = comparison.scores["dice"]
    assert (score["first"]["value"], score["second"]["value"]) == (0.8, 0)
    assert comparison["dice"] == -0.8
    assert comparison.models == ("fake", "other")
    assert (comparison.n_cases, comparison.n_patients) == (3, 2)


def test_model_compared_with_itself_does_not_differ(model, samples):
    comparison = compare(model, model, samples, names=("a", "b"))
    assert {score["difference"]["value"] for score in comparison.scores.values()} <= {0, None}
    assert comparison.scores["dice"]["p"] == 1
    assert {row["p"] for row in comparison.tests} == {1}


def test_models_of_one_name_are_told_apart(model, samples):
    assert compare(model, model, samples).models == ("A: fake", "B: fake")


def test_models_of_another_unit_are_refused(value_model, value_samples):
    other = type(value_model)(Regression("density", unit="g/ml"), value_model.predict_on_batch)
    with pytest.raises(ValueError, match="density in mg/ml and regression of density in g/ml"):
        compare(value_model, other, value_samples)


def test_patient_without_a_known_value_is_left_out_of_the_test():
    assert patient_means(np.full(2, np.nan), ["a", "b"]).size == 0
    assert patient_means(np.array([np.nan, 2.0, 4.0]), ["a", "b", "b"]).tolist() == [3]


def test_distances_are_compared_on_the_cases_in_which_both_models_have_them(model, samples):
    def lose_the_half(images):
        return np.where(images.sum((1, 2, 3), keepdims=True) > 10, images, 0)

    comparison = compare(model, copy_of(model, lose_the_half), samples)
    score = comparison.scores["hd95_px/tumor"]
    assert (score["first"]["value"], score["second"]["value"]) == (0, 0)


def test_paired_interval_is_narrower_than_those_of_both_models():
    generator = np.random.default_rng(3)
    true, shared = generator.normal(size=(2, 60))
    first, second = (RegressionCases(Regression(), true, true + shared + gain) for gain in (0.0, 0.1))
    score = compare_scores(first, second, PATIENTS)["bias"]
    widths = {name: score[name]["high"] - score[name]["low"] for name in ("first", "second", "difference")}
    assert widths["difference"] < 0.01 * widths["first"]
    assert score["p"] < 0.01


def test_better_model_is_told_from_a_worse_one():
    scores = compare_scores(*regressions(), PATIENTS)
    assert scores["mae"]["difference"]["high"] < 0
    assert scores["mae"]["p"] < 0.01
    tests = compare_cases(*regressions(), PATIENTS)
    assert [(row["test"], row["score"], row["n"]) for row in tests] == [("Wilcoxon", "mae", 60)]
    assert tests[0]["p"] < 0.001


def test_wilcoxon_counts_a_patient_once():
    tests = compare_cases(*regressions(), tuple(name for name in PATIENTS[:20] for _ in range(3)))
    assert tests[0]["n"] == 20


@pytest.mark.parametrize(("labels", "rows"), [(2, ["auc/b"]), (3, ["auc/a", "auc/b", "auc/c"])])
def test_areas_are_compared_by_delong(labels, rows):
    true = np.arange(60) % labels
    outputs = np.random.default_rng(4).dirichlet(np.ones(labels), size=(2, 60))
    outputs = outputs[..., 1:] if labels == 2 else outputs
    task = Classification(tuple("abc"[:labels]))
    cases = [ClassificationCases(task, true, output) for output in outputs]
    tests = compare_cases(*cases, PATIENTS)
    assert [row["score"] for row in tests if row["test"] == "DeLong"] == rows


def test_delong_is_left_out_where_a_patient_has_several_cases():
    outputs = np.random.default_rng(5).random((2, 60, 1))
    cases = [ClassificationCases(Classification(), np.arange(60) % 2, output) for output in outputs]
    tests = compare_cases(*cases, (*PATIENTS[:59], PATIENTS[0]))
    assert {row["test"] for row in tests} == {"Wilcoxon"}


def test_p_is_never_zero_and_at_most_one():
    def of_first_column(values):
        both = np.append(np.zeros(len(values)), values)
        return exchange_p(lambda weights: weighted_means({"mae": both}, weights), PATIENTS[: len(values)])["mae"]

    assert of_first_column(np.ones(40)) == 1 / 2000
    assert of_first_column(np.zeros(40)) == 1
    assert np.isnan(of_first_column(np.full(9, np.nan)))


def test_one_patient_has_differences_without_intervals(model, never_model, samples):
    score = compare(model, never_model, samples[:1]).scores["dice"]
    assert score["difference"] == {"value": -1.0, "low": None, "high": None}
    assert score["p"] is None


@pytest.mark.parametrize("task", [Segmentation(("background", "lesion")), Classification(("background", "tumor"))])
def test_models_that_answer_something_else_are_refused(model, never_model, samples, task):
    never_model.task = task
    with pytest.raises(ValueError, match="where they answer the same"):
        compare(model, never_model, samples)


def test_comparison_prints_both_models_and_the_tests(model, never_model, samples):
    lines = str(compare(model, never_model, samples)).splitlines()
    assert lines[1].split()[0] == "fake"
    assert lines[2].split()[:2] == ["dice", "0.800"]
    assert any(line.startswith("Wilcoxon: dice_per_case") for line in lines)


def test_comparison_is_json_and_has_a_figure(model, never_model, samples, tmp_path):
    comparison = compare(model, never_model, samples)
    path = comparison.save(tmp_path / "run")
    assert read_json(path) == json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert cv2.imread(str(tmp_path / "run" / "figures" / "differences.png")) is not None
