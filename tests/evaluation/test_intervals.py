"""Intervals of scores over patients."""

import numpy as np
import pytest
from scipy.stats import t

from medzoo.evaluation import intervals as module
from medzoo.evaluation.intervals import PLAIN, intervals, weighted_means
from medzoo.evaluation.ranking import ranking_areas

PATIENTS = [f"patient {index:02}" for index in range(12)]


def of_mean(values, patients=PATIENTS, **kwargs):
    return intervals(lambda weights: weighted_means({"bias": values}, weights), patients, **kwargs)["bias"]


def of_share(values, patients=PATIENTS, **kwargs):
    return intervals(lambda weights: weighted_means({"accuracy": values}, weights), patients, **kwargs)["accuracy"]


def of_auc(scores, positive, patients):
    def statistic(weights):
        return {"auc": ranking_areas(np.asarray(scores), np.asarray(positive, bool), weights)[0]}

    return intervals(statistic, patients)["auc"]


def test_a_mean_has_the_interval_of_students_t():
    values = np.random.default_rng(1).normal(size=400)
    value, low, high = of_mean(values, [str(index) for index in range(400)])
    reach = t.ppf(0.975, 399) * values.std(ddof=1) / 20
    assert (value, low, high) == pytest.approx((values.mean(), values.mean() - reach, values.mean() + reach), abs=1e-4)


def test_one_patient_that_carries_the_error_widens_the_interval():
    even, one = np.tile([-1.0, 1.0], 6), np.zeros(12)
    one[0] = np.sqrt(12)
    widths = [high - low for _, low, high in (of_mean(even), of_mean(one))]
    assert widths[1] > 1.4 * widths[0]


def test_the_same_cases_give_the_same_interval():
    assert of_mean(np.arange(12.0)) == of_mean(np.arange(12.0))


def test_images_repeated_within_a_patient_do_not_narrow_the_interval():
    repeated = of_mean(np.repeat(np.arange(12.0), 5), np.repeat(PATIENTS, 5))
    assert repeated == pytest.approx(of_mean(np.arange(12.0)))


def test_order_of_rows_does_not_matter():
    assert of_mean(np.arange(12.0)[::-1], PATIENTS[::-1]) == pytest.approx(of_mean(np.arange(12.0)))


def test_wider_level_gives_a_wider_interval():
    _, low, high = of_mean(np.arange(12.0), level=0.95)
    _, inner_low, inner_high = of_mean(np.arange(12.0), level=0.5)
    assert low < inner_low < inner_high < high


def test_a_share_stays_between_0_and_1():
    values = np.ones(12)
    values[0] = 0.9
    value, low, high = of_share(values)
    assert 0 < low < value < high < 1


def test_a_perfect_share_has_the_bound_of_clopper_and_pearson():
    assert of_share(np.ones(12)) == pytest.approx((1, 0.025 ** (1 / 12), 1))
    assert of_share(np.zeros(12)) == pytest.approx((0, 0, 1 - 0.025 ** (1 / 12)))


def test_a_perfect_share_rests_only_on_patients_that_have_it():
    values = np.array([1.0] * 4 + [np.nan] * 8)
    assert of_share(values) == pytest.approx((1, 0.025 ** (1 / 4), 1))


def test_a_perfect_area_rests_on_the_fewer_of_positive_and_negative_patients():
    assert of_auc(range(12), [0] * 9 + [1] * 3, PATIENTS) == pytest.approx((1, 0.025 ** (1 / 3), 1))


def test_an_error_of_0_everywhere_has_no_width():
    assert intervals(lambda weights: weighted_means({"mae": np.zeros(12)}, weights), PATIENTS)["mae"] == (0, 0, 0)


@pytest.mark.parametrize(("name", "values"), [("mae", [0, 0, 1, 3]), ("pearson", [1, 1, 1, -1]), ("r2", [1, 1, 1, -5])])
def test_bounds_stay_where_the_score_may_lie(name, values):
    bounds = intervals(lambda weights: weighted_means({name: np.array(values, float)}, weights), list("abcd"))[name]
    scale = module.scale_of(name)
    assert scale.low <= bounds.low <= bounds.value <= bounds.high <= scale.high


def test_one_patient_has_a_value_and_no_interval():
    value, low, high = of_mean(np.arange(3.0), ["a", "a", "a"])
    assert value == 1
    assert np.isnan([low, high]).all()


def test_a_score_that_rests_on_one_patient_has_no_interval():
    value, low, high = of_share(np.array([0.5, np.nan]), ["a", "b"])
    assert value == 0.5
    assert np.isnan([low, high]).all()


def test_score_that_is_never_defined_has_no_interval():
    assert np.isnan(of_mean(np.full(2, np.nan), ["a", "b"])).all()


def test_many_patients_are_left_out_in_groups(monkeypatch):
    values, patients = np.random.default_rng(0).normal(size=300), [str(index) for index in range(300)]
    exact = of_mean(values, patients)
    monkeypatch.setattr(module, "MOST_PARTS", 100)
    grouped = of_mean(values, patients, seed=3)
    assert grouped == of_mean(values, patients, seed=3)
    assert grouped.high - grouped.low == pytest.approx(exact.high - exact.low, rel=0.3)


def test_interval_does_not_depend_on_how_many_weights_are_held_at_once(monkeypatch):
    expected = of_mean(np.arange(12.0))
    monkeypatch.setattr(module, "_AT_ONCE", 12 * 7)
    assert of_mean(np.arange(12.0)) == expected


def test_a_scale_leads_back_to_the_score():
    for name in ("dice", "r2", "mae", "pearson", "bias"):
        scale = module.scale_of(name)
        assert scale.back(scale.forward(np.array([0.3, 0.7]))) == pytest.approx([0.3, 0.7])
    assert module.scale_of("lower_limit") is PLAIN


def test_weighted_mean_counts_a_case_as_often_as_its_weight():
    means = weighted_means({"x": np.array([1.0, 4.0, np.nan])}, np.array([[3.0, 1.0, 5.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(means["x"], [1.75, np.nan])
