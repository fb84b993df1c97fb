"""Scores of numbers against scikit-learn, SciPy and hand counts."""

import numpy as np
import pytest
from scipy.stats import pearsonr
from sklearn import metrics

from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.regression import RegressionCases
from medzoo.task import Regression


def drawn(cases=40, seed=0, offset=60.0):
    generator = np.random.default_rng(seed)
    true = generator.normal(offset, 10, cases)
    return RegressionCases(Regression(), true, true + generator.normal(1, 5, cases))


def scores_of(cases, weights=None):
    weights = np.ones(len(cases.true)) if weights is None else weights
    return {name: float(value[0]) for name, value in cases.statistic(weights[None]).items()}


def by_libraries(true, predicted):
    error = predicted - true
    spread = 1.96 * error.std(ddof=1)
    return {
        "r2": metrics.r2_score(true, predicted),
        "mae": metrics.mean_absolute_error(true, predicted),
        "rmse": metrics.root_mean_squared_error(true, predicted),
        "pearson": pearsonr(true, predicted).statistic,
        "mape": 100 * metrics.mean_absolute_percentage_error(true, predicted),
        "bias": error.mean(),
        "lower_limit": error.mean() - spread,
        "upper_limit": error.mean() + spread,
    }


def test_scores_agree_with_scikit_learn_and_scipy():
    cases = drawn()
    assert scores_of(cases) == pytest.approx(by_libraries(cases.true, cases.predicted))


def test_case_with_a_weight_counts_so_often():
    cases = drawn()
    weights = np.random.default_rng(1).integers(0, 4, 40)
    repeated = by_libraries(np.repeat(cases.true, weights), np.repeat(cases.predicted, weights))
    assert scores_of(cases, weights.astype(float)) == pytest.approx(repeated)


def test_large_values_do_not_cancel():
    near, far = scores_of(drawn()), scores_of(drawn(offset=60.0 + 1e9))
    for name in ("r2", "rmse", "pearson", "bias", "upper_limit"):
        assert far[name] == pytest.approx(near[name], rel=1e-5)


@pytest.mark.parametrize("value", [0.1, 1e6])
def test_constant_truth_has_errors_but_no_correlation(value):
    scores = scores_of(RegressionCases(Regression(), np.full(7, value), value + np.arange(7.0)))
    assert np.isnan([scores["r2"], scores["pearson"]]).all()
    assert scores["mae"] == pytest.approx(3)


def test_draw_of_one_value_has_no_correlation():
    # Values of which rounding leaves a variance above 0.
    cases = RegressionCases(Regression(), np.array([0.1, 0.11, 0.11]), np.array([0.2, 0.11, 0.5]))
    scores = scores_of(cases, np.array([0.0, 1.0, 6.0]))
    assert np.isnan([scores["r2"], scores["pearson"]]).all()


def test_true_value_of_zero_leaves_no_relative_error():
    scores = scores_of(RegressionCases(Regression(), np.array([0.0, 2.0]), np.array([1.0, 2.0])))
    assert np.isnan(scores["mape"])
    assert scores["mae"] == 0.5


def test_one_case_has_no_limits_of_agreement():
    scores = scores_of(RegressionCases(Regression(), np.array([1.0]), np.array([3.0])))
    assert scores["bias"] == 2
    assert np.isnan([scores["lower_limit"], scores["upper_limit"], scores["r2"]]).all()


def test_evaluate_scores_in_the_unit_of_the_target(value_model, value_samples):
    evaluation = evaluate(value_model, value_samples)
    assert evaluation["mae"] == pytest.approx(2, abs=1e-4)
    assert evaluation["bias"] == pytest.approx(1, abs=1e-4)
    assert (evaluation.unit, evaluation.labels) == ("mg/ml", ("density",))
    assert evaluation.cases[2]["error"] == pytest.approx(-2, abs=1e-4)


def test_evaluate_refuses_another_target(value_model, make_pictures):
    with pytest.raises(ValueError, match="target thickness, the model answers 'density'"):
        evaluate(value_model, make_pictures((0.5,), (1.0,), ("thickness",)))


def test_evaluate_names_the_image_whose_target_is_no_number(value_model, make_pictures):
    samples = make_pictures((0.2, 0.4), (20.0, float("nan")), ("density",))
    with pytest.raises(ValueError, match=r"case_1.png: the target is nan"):
        evaluate(value_model, samples)
