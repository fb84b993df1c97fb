"""Calibration error, losses per case, and the temperature."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, log_loss

from medzoo.evaluation.validation import calibration
from medzoo.task import Classification


def overconfident(labels, cases=400, sharpness=3.0, seed=0):
    """Outputs whose logits are `sharpness` times those that the true labels were drawn from."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(cases, labels))
    powers = np.exp(logits)
    chances = powers / powers.sum(1, keepdims=True)
    true = np.array([generator.choice(labels, p=row) for row in chances])
    sharp = chances**sharpness / (chances**sharpness).sum(1, keepdims=True)
    return (sharp[:, 1:] if labels == 2 else sharp), true


def error_of(task, outputs, true):
    pair = calibration.reliability(task.calibrated(outputs), true)
    return float(calibration.expected_calibration_error(calibration.reliability_bins(*pair, np.ones(len(true)))))


def test_error_is_the_mean_gap_between_confidence_and_outcome():
    confidence, outcome = np.array([0.95, 0.95, 0.05, 0.05]), np.array([True, False, False, False])
    bins = calibration.reliability_bins(confidence, outcome, np.ones((1, 4)))
    assert calibration.expected_calibration_error(bins) == pytest.approx([0.5 * 0.45 + 0.5 * 0.05])


def test_confidence_of_one_is_in_the_last_bin():
    bins = calibration.reliability_bins(np.array([1.0, 0.0]), np.array([True, False]), np.ones((1, 2)))
    assert bins["cases"][0].tolist() == [1, *[0] * (calibration.BINS - 2), 1]
    assert calibration.expected_calibration_error(bins) == [0]


def test_reliability_of_two_labels_is_about_the_second_and_of_more_about_the_likeliest():
    confidence, right = calibration.reliability(np.array([[0.8, 0.2]]), np.array([0]))
    assert (confidence.tolist(), right.tolist()) == ([0.2], [False])
    confidence, right = calibration.reliability(np.array([[0.7, 0.2, 0.1]]), np.array([0]))
    assert (confidence.tolist(), right.tolist()) == ([0.7], [True])


@pytest.mark.parametrize("labels", [2, 4])
def test_losses_agree_with_scikit_learn(labels):
    outputs, true = overconfident(labels, 50)
    probabilities = Classification(tuple("abcd"[:labels])).calibrated(outputs)
    assert calibration.log_losses(probabilities, true).mean() == pytest.approx(log_loss(true, probabilities), rel=1e-5)
    squared = ((probabilities - np.eye(labels)[true]) ** 2).sum(1).mean()
    expected = brier_score_loss(true, probabilities[:, 1]) if labels == 2 else squared
    assert calibration.brier_scores(probabilities, true).mean() == pytest.approx(expected)


def test_loss_of_an_impossible_label_is_finite():
    assert np.isfinite(calibration.log_losses(np.array([[1.0, 0.0]]), np.array([1]))).all()


@pytest.mark.parametrize("labels", [2, 4])
def test_temperature_finds_the_sharpness_and_lowers_the_error(labels):
    task = Classification(tuple("abcd"[:labels]))
    outputs, true = overconfident(labels, 3000)
    fitted = calibration.fit_temperature(task, outputs, true)
    assert fitted.temperature == pytest.approx(3, rel=0.15)
    assert error_of(fitted, outputs, true) < 0.4 * error_of(task, outputs, true)


@pytest.mark.parametrize("task", [Classification(threshold=0.3), Classification(("a", "b", "c"))])
def test_temperature_changes_no_decision(task):
    outputs, true = overconfident(len(task.labels))
    fitted = calibration.fit_temperature(task, outputs, true)
    assert fitted.temperature != 1
    assert np.array_equal(fitted.decide(outputs), task.decide(outputs))


def test_fitting_again_changes_nothing():
    outputs, true = overconfident(3)
    once = calibration.fit_temperature(Classification(("a", "b", "c")), outputs, true)
    assert calibration.fit_temperature(once, outputs, true).temperature == pytest.approx(once.temperature, abs=1e-3)


def test_one_label_alone_is_refused():
    with pytest.raises(ValueError, match="at least two labels; got 3 of 'positive' only"):
        calibration.fit_temperature(Classification(), np.full((3, 1), 0.9), np.ones(3, int))


def test_record_leaves_empty_bins_out():
    record = calibration.calibration_record(np.array([[0.1, 0.9], [0.9, 0.1]]), np.array([1, 1]), Classification())
    assert (record["confidence"], record["accuracy"], record["cases"]) == ([0.1, 0.9], [1.0, 1.0], [1, 1])
    assert record["of"] == "probability of positive"
