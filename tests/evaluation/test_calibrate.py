"""Calibration of a model on samples."""

from dataclasses import replace

import numpy as np
import pytest

from medzoo.evaluation.classification import ClassificationCases
from medzoo.evaluation.validation.calibrate import KEPT, Calibration, calibrate, fit_task
from medzoo.task import Classification


def test_calibrate_gives_the_model_the_fitted_task(binary_model, binary_samples):
    binary_model.evaluation = "of the old task"
    task = calibrate(binary_model, binary_samples)
    assert binary_model.task is task
    assert binary_model.recipe.name == "binary"
    assert binary_model.evaluation is None
    assert task.temperature != 1
    assert task.threshold == 0.5


def test_calibrate_for_a_recall_finds_so_many(binary_model, binary_samples):
    task = calibrate(binary_model, binary_samples, recall=1.0)
    assert task.decide(np.array([[0.3], [0.4]])).tolist() == [0, 1]


def test_calibrate_by_youden_moves_the_threshold(binary_model, binary_samples):
    task = calibrate(binary_model, binary_samples[[0, 1, 2, 4, 5, 6]], youden=True)
    assert task.decide(np.array([[0.3], [0.4]])).tolist() == [0, 1]


def test_calibrate_fits_several_labels_without_a_threshold(grade_model, grade_samples):
    task = calibrate(grade_model, grade_samples)
    assert task.temperature > 0
    assert task.threshold == Classification().threshold


def test_calibrate_refuses_a_threshold_for_several_labels(grade_model, grade_samples):
    with pytest.raises(ValueError, match="this model has 3"):
        calibrate(grade_model, grade_samples, recall=0.9)


def test_a_rule_that_does_not_fit_is_refused_before_anything_is_predicted(grade_model, grade_samples, monkeypatch):
    monkeypatch.setattr("medzoo.evaluation.validation.calibrate.collect", lambda *_: pytest.fail("predicted"))
    with pytest.raises(ValueError, match="this model has 3"):
        calibrate(grade_model, grade_samples, youden=True)


def test_a_temperature_that_makes_the_calibration_error_larger_is_not_kept(monkeypatch):
    # Three of four are right with a confidence of 3/4: nothing is better than that.
    cases = ClassificationCases(Classification(), np.array([1, 1, 1, 0]), np.full((4, 1), 0.75))
    hot = replace(cases.task, temperature=3.0)
    monkeypatch.setattr("medzoo.evaluation.validation.calibrate.fit_temperature", lambda *_: hot)
    assert fit_task(cases) is cases.task
    assert KEPT in str(Calibration(cases, fit_task(cases)))
    assert KEPT not in str(Calibration(cases, hot))


def test_calibrate_refuses_two_rules(binary_model, binary_samples):
    with pytest.raises(ValueError, match="not by both"):
        calibrate(binary_model, binary_samples, recall=0.9, youden=True)


def test_calibrate_refuses_a_model_that_is_no_classifier(model, samples):
    with pytest.raises(ValueError, match="this model is for segmentation"):
        calibrate(model, samples)


def test_refused_calibration_leaves_the_model_as_it_was(binary_model, binary_samples):
    before = binary_model.task
    with pytest.raises(ValueError, match="at least two labels"):
        calibrate(binary_model, binary_samples[:2])
    assert binary_model.task is before
