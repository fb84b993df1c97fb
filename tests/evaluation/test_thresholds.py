"""Thresholds by a wanted recall and by Youden's rule."""

import numpy as np
import pytest

from medzoo.evaluation.validation.calibration import choose_threshold, operating_points
from medzoo.task import Classification

SCORES = np.array([0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9])
ILL = np.arange(8) >= 4


@pytest.mark.parametrize(("recall", "threshold"), [(0.5, 0.75), (0.6, 0.5), (0.75, 0.5), (1.0, 0.35)])
def test_threshold_is_the_highest_that_reaches_the_recall(recall, threshold):
    assert choose_threshold(SCORES, ILL, recall) == pytest.approx(threshold)


def test_youden_balances_recall_and_specificity():
    assert choose_threshold(SCORES, ILL, "youden") == pytest.approx(0.35)


def test_recall_is_reached_by_what_float32_probabilities_near_zero_allow():
    scores = np.array([1e-8, 3e-8, 0.5], np.float32)
    threshold = choose_threshold(scores, np.array([False, True, True]), 1.0)
    assert (scores >= threshold).tolist() == [False, True, True]


def test_model_worse_than_chance_still_gets_a_threshold():
    assert 0 < choose_threshold(SCORES, ~ILL, "youden") < 1


@pytest.mark.parametrize("rule", [0, 1.1, "best", None])
def test_other_rules_are_refused(rule):
    with pytest.raises(ValueError, match=r"recall above 0 .*youden"):
        choose_threshold(SCORES, ILL, rule)


def test_one_outcome_alone_is_refused():
    with pytest.raises(ValueError, match="without positive and negative"):
        choose_threshold(SCORES, np.ones(8, bool), 0.9)


def test_operating_points_begin_with_the_one_in_use_and_a_half():
    points = operating_points(Classification(threshold=0.75), SCORES, ILL)
    assert [point["rule"] for point in points] == ["in use", "0.5", "youden", "recall 0.9", "recall 0.95"]
    assert points[0] == {"rule": "in use", "threshold": 0.75, "recall": 0.5, "specificity": 1.0, "precision": 1.0}


def test_operating_points_of_one_outcome_are_those_that_need_no_rule():
    points = operating_points(Classification(), SCORES, np.zeros(8, bool))
    assert [(point["rule"], point["recall"]) for point in points] == [("in use", None)]


def test_several_labels_have_no_operating_points():
    assert operating_points(Classification(("a", "b", "c")), SCORES, ILL) is None
