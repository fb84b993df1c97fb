"""Scores of classifications against scikit-learn, and what is made of an incomplete data set."""

import numpy as np
import pytest
from sklearn import metrics

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.evaluate import evaluate
from medzoo.task import Classification


def drawn(labels=3, cases=80, seed=0, **fields):
    generator = np.random.default_rng(seed)
    true = generator.integers(labels, size=cases)
    powers = np.exp(generator.normal(size=(cases, labels)) + 1.5 * np.eye(labels)[true])
    outputs = powers / powers.sum(1, keepdims=True)
    task = Classification(tuple("abcd"[:labels]), **fields)
    return ClassificationCases(task, true, outputs[:, 1:] if labels == 2 else outputs)


def scores_of(cases, weights=None):
    weights = np.ones(len(cases.true)) if weights is None else weights
    return {name: float(value[0]) for name, value in cases.statistic(weights[None]).items()}


def by_scikit_learn(cases, weights):
    """The same scores, weighted, by name."""
    count, words = len(cases.task.labels), {"sample_weight": weights}
    one_hot, true, predicted = np.eye(count)[cases.true], cases.true, cases.predicted
    expected = {"accuracy": metrics.accuracy_score(true, predicted, **words)}
    expected["balanced_accuracy"] = metrics.balanced_accuracy_score(true, predicted, **words)
    for average in ("macro", "weighted", None):
        found = metrics.precision_recall_fscore_support(true, predicted, average=average, zero_division=0, **words)[:3]
        areas = metrics.roc_auc_score, metrics.average_precision_score
        found = (*found, *(area(one_hot, cases.probabilities, average=average, **words) for area in areas))
        for name, values in zip(("precision", "recall", "f1", "auc", "ap"), found, strict=True):
            each = {f"{name}_{average}": values} if average else {}
            expected |= each or {f"{name}/{cases.task.labels[i]}": value for i, value in enumerate(values)}
    return expected


@pytest.mark.parametrize("labels", [2, 3])
def test_weighted_scores_agree_with_scikit_learn(labels):
    cases = drawn(labels)
    weights = np.random.default_rng(1).integers(0, 3, len(cases.true)).astype(float)
    found, expected = scores_of(cases, weights), by_scikit_learn(cases, weights)
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_draws_are_scored_one_by_one():
    cases = drawn()
    weights = np.random.default_rng(2).integers(0, 3, (3, len(cases.true))).astype(float)
    together = cases.statistic(weights)
    apart = [scores_of(cases, row) for row in weights]
    assert all(together[name] == pytest.approx([row[name] for row in apart]) for name in together)


def test_label_that_is_absent_but_predicted_counts_as_zero_in_the_averages_of_decisions():
    cases = drawn()
    present = cases.true < 2
    cases = ClassificationCases(cases.task, cases.true[present], cases.outputs[present])
    scores = scores_of(cases)
    assert 2 in cases.predicted
    assert np.isnan([scores["recall/c"], scores["auc/c"], scores["ap/c"]]).all()
    for name in ("precision", "recall", "f1"):
        score = getattr(metrics, f"{name}_score")
        expected = score(cases.true, cases.predicted, average="macro", zero_division=0)
        assert scores[f"{name}_macro"] == pytest.approx(expected)
    assert scores["balanced_accuracy"] == pytest.approx((scores["recall/a"] + scores["recall/b"]) / 2)
    assert scores["auc_macro"] == pytest.approx((scores["auc/a"] + scores["auc/b"]) / 2)


def test_label_that_is_neither_true_nor_predicted_is_left_out_of_the_averages():
    outputs = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1]])
    scores = scores_of(ClassificationCases(Classification(("a", "b", "c")), np.array([0, 1]), outputs))
    assert scores["recall_macro"] == scores["f1_macro"] == 1


def test_label_that_is_never_predicted_has_no_precision_and_counts_as_zero_in_the_average():
    outputs = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    scores = scores_of(ClassificationCases(Classification(("a", "b", "c")), np.array([0, 1, 2]), outputs))
    assert np.isnan(scores["precision/b"])
    assert (scores["recall/b"], scores["f1/b"]) == (0, 0)
    assert scores["precision_macro"] == pytest.approx((0.5 + 0 + 1) / 3)


def test_one_label_alone_has_no_area():
    scores = scores_of(ClassificationCases(Classification(), np.ones(2, int), np.array([[0.3], [0.9]])))
    assert np.isnan([scores["auc_macro"], scores["auc/positive"], scores["recall/negative"]]).all()
    assert np.isnan([scores["ap_macro"], scores["ap/positive"]]).all()
    assert scores["accuracy"] == scores["balanced_accuracy"] == 0.5


def test_area_of_two_labels_does_not_round_probabilities_near_zero():
    outputs = np.array([[1e-22], [1e-20], [1e-21], [1e-19]])
    scores = scores_of(ClassificationCases(Classification(), np.array([0, 1, 0, 1]), outputs))
    assert scores["auc/negative"] == scores["auc/positive"] == 1


def test_evaluate_scores_a_binary_classifier(binary_model, binary_samples):
    evaluation = evaluate(binary_model, binary_samples)
    assert evaluation.confusion == [[3, 1], [1, 3]]
    assert evaluation["accuracy"] == evaluation["recall/ill"] == evaluation["recall/well"] == 0.75
    assert evaluation["auc/ill"] == pytest.approx(14 / 16)
    assert (evaluation.n_patients, evaluation.threshold, evaluation.data["split"]) == (8, 0.5, "test")


def test_evaluate_uses_the_threshold_of_the_task(binary_model, binary_samples):
    binary_model.task = Classification(("well", "ill"), threshold=0.35)
    evaluation = evaluate(binary_model, binary_samples)
    assert (evaluation["recall/ill"], evaluation["recall/well"]) == (1, 0.75)
    assert [point["rule"] for point in evaluation.operating_points][:2] == ["in use", "0.5"]


def test_evaluate_has_rows_with_every_probability(grade_model, grade_samples):
    row = evaluate(grade_model, grade_samples).cases[3]
    assert (row["source"], row["patient"]) == ("case_3.png", "d")
    assert (row["true"], row["predicted"]) == ("mild", "severe")
    assert row["confidence"] == row["probability/severe"] > row["probability/mild"]
    assert sum(row[f"probability/{label}"] for label in ("none", "mild", "severe")) == pytest.approx(1, abs=1e-5)


def test_evaluate_has_a_curve_for_every_label(grade_model, grade_samples):
    assert list(evaluate(grade_model, grade_samples).curves) == ["none", "mild", "severe"]


def test_evaluate_of_two_labels_has_the_curve_of_the_second(binary_model, binary_samples):
    assert list(evaluate(binary_model, binary_samples).curves) == ["ill"]


def test_evaluate_of_one_label_alone_has_no_curve_and_does_not_fail(grade_model, grade_samples):
    evaluation = evaluate(grade_model, grade_samples[:2])
    assert evaluation["auc_macro"] is None
    assert evaluation.curves["none"] is None


def test_evaluate_refuses_other_labels(grade_model, binary_samples):
    with pytest.raises(ValueError, match=r"'well', 'ill'.*'none', 'mild', 'severe'"):
        evaluate(grade_model, binary_samples)


def test_evaluate_refuses_samples_for_another_task(binary_model, samples):
    with pytest.raises(ValueError, match="targets of segmentation, the task is classification"):
        evaluate(binary_model, samples)


def test_record_prints_the_operating_points(binary_model, binary_samples):
    lines = str(evaluate(binary_model, binary_samples)).splitlines()
    assert any(line.split() == ["in", "use", "0.500", "0.750", "0.750", "0.750"] for line in lines)


def test_evaluate_names_the_image_whose_answer_is_no_number(binary_model, binary_samples):
    binary_model.predict_on_batch = lambda images: np.where(images[:, 4, 4, :1] > 0.65, np.nan, 0.5)
    with pytest.raises(ValueError, match=r"case_3.png: 1 of the 1 values of the model's answer are not finite"):
        evaluate(binary_model, binary_samples)
