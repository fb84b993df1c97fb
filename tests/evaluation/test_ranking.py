"""Areas under curves against scikit-learn, and the points of the curves."""

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from medzoo.evaluation.ranking import POINTS, ranking_areas, ranking_curves


def drawn(seed=0, cases=60):
    """Scores with many ties, outcomes and four weightings of which some are zero."""
    generator = np.random.default_rng(seed)
    positive = generator.random(cases) < 0.3
    scores = np.round(generator.random(cases) + 0.4 * positive, 1)
    return scores, positive, generator.integers(0, 4, size=(4, cases)).astype(float)


def test_areas_agree_with_scikit_learn_for_every_weighting():
    scores, positive, weights = drawn()
    area, ap = ranking_areas(scores, positive, weights)
    assert area == pytest.approx([roc_auc_score(positive, scores, sample_weight=row) for row in weights])
    assert ap == pytest.approx([average_precision_score(positive, scores, sample_weight=row) for row in weights])


def test_equal_scores_have_an_area_of_a_half():
    area, ap = ranking_areas(np.zeros(4), np.array([True, False, False, False]), np.ones((1, 4)))
    assert (area[0], ap[0]) == (0.5, 0.25)


@pytest.mark.parametrize("outcome", [True, False])
def test_areas_without_both_outcomes_are_not_known(outcome):
    areas = ranking_areas(np.array([0.2, 0.8]), np.full(2, outcome), np.ones((1, 2)))
    assert np.isnan(areas).all()


def test_curves_of_many_cases_are_thinned_and_keep_their_ends():
    generator = np.random.default_rng(1)
    positive = generator.random(5000) < 0.2
    curves = ranking_curves(generator.random(5000) + 0.3 * positive, positive)
    assert max(len(values) for curve in curves.values() for values in curve.values()) <= POINTS
    assert (curves["roc"]["fpr"][0], curves["roc"]["tpr"][-1]) == (0, 1)
    assert curves["pr"]["recall"][-1] == 0


def test_thinned_curve_keeps_its_area():
    generator = np.random.default_rng(2)
    positive = generator.random(5000) < 0.2
    scores = generator.random(5000) + 0.3 * positive
    curve = ranking_curves(scores, positive)["roc"]
    assert auc(curve["fpr"], curve["tpr"]) == pytest.approx(roc_auc_score(positive, scores), abs=2e-3)


def test_curves_without_both_outcomes_are_none():
    assert ranking_curves(np.array([0.1, 0.2]), np.array([True, True])) is None
