"""DeLong's test against its definition, pair by pair, and against a published example."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from medzoo.evaluation.comparison.paired import delong

# 43 patients of DeLong, DeLong and Clarke-Pearson (1988): albumin, K-G score, and whether surgery helped. SAS/STAT,
# PROC LOGISTIC, "Comparing receiver operating characteristic curves": areas 0.7258 of the score and 0.7366 of albumin,
# difference 0.0108 with a standard error of 0.0953 and p = 0.9102.
ALBUMIN = """
3.0 3.2 3.9 2.8 3.2 0.9 2.5 1.6 3.8 3.7 3.2 3.8 4.1 3.6 4.3 3.6 2.3 4.2 4.0 3.5 3.8 3.0 4.5 3.7 3.1 4.1 4.3 4.3 3.2
2.6 3.3 1.7 3.7 3.3 4.2 3.5 2.9 2.1 2.8 4.0 3.3 3.7 3.6
"""
SCORE = """
10 5 3 6 3 5 8 5 5 6 4 6 5 5 4 4 6 4 6 6 7 8 5 5 6 6 5 4 5 6 6 7 5 7 6 5 9 7 8 7 6 5 5
"""
HELPED = "0110100111111110100110111111110011110101111"


def pair_by_pair(first, second, positive):
    """The definition: psi of every pair of cases, its means per case, and their covariances."""
    parts = []
    for scores in (first, second):
        psi = [[float(p > n) + 0.5 * float(p == n) for n in scores[~positive]] for p in scores[positive]]
        parts.append((np.mean(psi, axis=1), np.mean(psi, axis=0)))
    gap = np.array([1, -1])
    error = float(np.sqrt(sum(gap @ np.cov(*both) @ gap / len(both[0]) for both in zip(*parts, strict=True))))
    areas = [part[0].mean() for part in parts]
    return (*areas, error, 2 * norm.sf(abs(areas[1] - areas[0]) / error))


def drawn(seed):
    generator = np.random.default_rng(seed)
    positive = np.arange(30) < 11
    return (*(np.round(generator.normal(size=30) + positive * gain, 1) for gain in (0.5, 1.5)), positive)


@pytest.mark.parametrize("seed", range(3))
def test_test_agrees_with_its_definition(seed):
    assert delong(*drawn(seed)) == pytest.approx(pair_by_pair(*drawn(seed)))


def test_areas_are_those_of_scikit_learn():
    first, second, positive = drawn(4)
    result = delong(first, second, positive)
    assert (result.first, result.second) == pytest.approx([roc_auc_score(positive, s) for s in (first, second)])


def test_published_example():
    albumin, score = (np.array(text.split(), float) for text in (ALBUMIN, SCORE))
    result = delong(10 - score, albumin, np.array(list(HELPED)) == "1")
    assert [round(value, 4) for value in result] == [0.7258, 0.7366, 0.0953, 0.9102]


def test_order_of_the_models_does_not_matter():
    first, second, positive = drawn(5)
    assert delong(first, second, positive).p == pytest.approx(delong(second, first, positive).p)


def test_equal_orders_are_not_different():
    first, _, positive = drawn(6)
    assert delong(first, np.exp(first), positive).p == 1


def test_single_positive_case_has_areas_but_no_test():
    result = delong(np.array([3, 2, 1]), np.array([1, 2, 3]), np.array([True, False, False]))
    assert (result.first, result.second) == (1, 0)
    assert np.isnan(result.p)
