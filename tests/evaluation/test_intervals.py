"""Bootstrap intervals over patients."""

import numpy as np
import pytest

from medzoo.evaluation import intervals
from medzoo.evaluation.intervals import bootstrap, weighted_means

PATIENTS = [f"patient {index}" for index in range(12)]


def draw(values, patients=PATIENTS, **kwargs):
    def mean(weights):
        return weighted_means({"mean": values}, weights)

    return bootstrap(mean, patients, samples=400, **kwargs)["mean"]


def test_interval_contains_the_value():
    value, low, high = draw(np.arange(12.0))
    assert value == 5.5
    assert low < value < high


def test_interval_is_close_to_the_one_of_theory():
    values = np.random.default_rng(1).normal(size=400)
    value, low, high = draw(values, [str(index) for index in range(400)])
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert (low + high) / 2 == pytest.approx(value, abs=0.02)


def test_same_seed_gives_the_same_interval_and_another_seed_another():
    assert draw(np.arange(12.0)) == draw(np.arange(12.0))
    assert draw(np.arange(12.0), seed=1) != draw(np.arange(12.0))


def test_images_repeated_within_a_patient_do_not_narrow_the_interval():
    repeated = draw(np.repeat(np.arange(12.0), 5), np.repeat(PATIENTS, 5))
    assert repeated == pytest.approx(draw(np.arange(12.0)))


def test_order_of_rows_does_not_matter():
    assert draw(np.arange(12.0)[::-1], PATIENTS[::-1]) == draw(np.arange(12.0))


def test_wider_level_gives_a_wider_interval():
    _, low, high = draw(np.arange(12.0), level=0.95)
    _, inner_low, inner_high = draw(np.arange(12.0), level=0.5)
    assert low < inner_low < inner_high < high


def test_one_patient_has_a_value_and_no_interval():
    value, low, high = draw(np.arange(3.0), ["a", "a", "a"])
    assert value == 1
    assert np.isnan([low, high]).all()


def test_draws_without_a_defined_score_are_left_out():
    assert draw(np.array([0.5, np.nan]), ["a", "b"]) == (0.5, 0.5, 0.5)


def test_score_that_is_never_defined_has_no_interval():
    assert np.isnan(draw(np.full(2, np.nan), ["a", "b"])).all()


def test_interval_does_not_depend_on_how_many_draws_are_held_at_once(monkeypatch):
    expected = draw(np.arange(12.0))
    monkeypatch.setattr(intervals, "_AT_ONCE", 12 * 7)
    assert draw(np.arange(12.0)) == expected


def test_weighted_mean_counts_a_case_as_often_as_its_weight():
    means = weighted_means({"x": np.array([1.0, 4.0, np.nan])}, np.array([[3.0, 1.0, 5.0], [0.0, 0.0, 1.0]]))
    np.testing.assert_array_equal(means["x"], [1.75, np.nan])
