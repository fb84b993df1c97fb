"""Estimators, and how their parameters are found."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from medzoo.estimators.table import ESTIMATORS, Row, estimator_names
from medzoo.estimators.tuning import fit_estimator, fit_estimators, inner_folds

GENERATOR = np.random.default_rng(0)
VALUES = GENERATOR.normal(size=(40, 6)).astype(np.float32)
NUMBERS = (VALUES[:, 0] + 0.1 * GENERATOR.normal(size=40)).astype(float).tolist()
LABELS = np.digitize(NUMBERS, (-0.5, 0.5)).tolist()
PATIENTS = [f"p{index // 2}" for index in range(40)]


def set_row(monkeypatch, name, kind, arguments, grid):
    row = ESTIMATORS[name][kind]
    monkeypatch.setitem(ESTIMATORS[name], kind, Row(row.module, row.name, arguments, grid))


def test_no_patient_is_in_two_inner_folds():
    folds = inner_folds(np.array(LABELS), PATIENTS)
    assert len(set(folds)) == 5
    assert all(
        len({fold for fold, owner in zip(folds, PATIENTS, strict=True) if owner == one}) == 1 for one in PATIENTS
    )


def test_every_inner_training_part_has_every_label():
    targets = np.array([0] * 30 + [1] * 4 + [2] * 2)
    folds = inner_folds(targets, [str(index) for index in range(36)])
    assert all(set(targets[folds != fold]) == {0, 1, 2} for fold in set(folds))


@pytest.mark.parametrize(
    ("targets", "patients"), [([0, 0, 0, 1], "abcd"), ([0, 1, 0, 1], "aaaa"), ([0.1, 0.2, 0.3, 0.4], "aaaa")]
)
def test_too_few_patients_are_refused(targets, patients):
    with pytest.raises(ValueError, match="at least 2 patients"):
        inner_folds(np.array(targets), list(patients))


def test_parameters_are_the_best_in_the_folds_and_the_score_is_their_mean(monkeypatch):
    set_row(monkeypatch, "elastic_net", "regression", {}, {"alpha": [10.0, 0.01]})
    found = fit_estimator("elastic_net", VALUES, NUMBERS, PATIENTS)
    split = PredefinedSplit(inner_folds(np.array(NUMBERS), PATIENTS))
    scores = cross_val_score(make_pipeline(StandardScaler(), ElasticNet(alpha=0.01)), VALUES, NUMBERS, cv=split)
    assert found.parameters == {"alpha": 0.01}
    assert found.score == pytest.approx(scores.mean(), abs=1e-6)
    assert found.spread == pytest.approx(scores.std(), abs=1e-6)


def test_estimator_is_fitted_on_all_rows(monkeypatch):
    set_row(monkeypatch, "elastic_net", "regression", {}, {"alpha": [0.01]})
    found = fit_estimator("elastic_net", VALUES, NUMBERS, PATIENTS)
    expected = make_pipeline(StandardScaler(), ElasticNet(alpha=0.01)).fit(VALUES, NUMBERS)
    np.testing.assert_allclose(found.estimator.predict(VALUES), expected.predict(VALUES), atol=1e-5)


def test_svm_has_probabilities_and_keeps_no_rows(monkeypatch):
    set_row(monkeypatch, "svr", "classification", {}, {"C": [1.0]})
    found = fit_estimator("svr", VALUES, LABELS, PATIENTS).estimator
    probabilities = found.predict_proba(VALUES)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.mean(probabilities.argmax(axis=1) == LABELS) > 0.7
    assert found[-1].cv is None


def test_rows_count_by_their_weight(monkeypatch):
    set_row(monkeypatch, "elastic_net", "classification", {"solver": "saga", "max_iter": 500}, {"C": [0.1]})
    rare = [int(label == 2) for label in LABELS]
    weights = np.where(rare, 20.0, 1.0)
    found = [fit_estimator("elastic_net", VALUES, rare, PATIENTS, weights=one) for one in (None, weights)]
    few, many = (one.estimator.predict(VALUES).sum() for one in found)
    assert few < many


def test_same_seed_gives_the_same_forest(monkeypatch):
    set_row(monkeypatch, "random_forest", "regression", {"n_estimators": 3}, {"min_samples_leaf": [1, 5]})
    first, second = (fit_estimator("random_forest", VALUES, NUMBERS, PATIENTS, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.estimator.predict(VALUES), second.estimator.predict(VALUES))
    assert first.score == second.score


def test_every_name_gives_a_fit(monkeypatch):
    for name in ("svr", "elastic_net"):
        set_row(monkeypatch, name, "regression", {}, {"epsilon" if name == "svr" else "alpha": [0.1]})
    assert list(fit_estimators(VALUES, NUMBERS, PATIENTS, ["elastic_net", "svm"])) == ["elastic_net", "svr"]


def test_infinite_features_are_refused():
    with pytest.raises(ValueError, match="must be finite"):
        fit_estimator("svr", np.full((40, 2), np.nan), NUMBERS, PATIENTS)


def test_unknown_estimator_names_near_matches():
    with pytest.raises(ValueError, match=r"Unknown estimator 'random_forst'.*'random_forest'"):
        estimator_names(["random_forst"])


def test_missing_xgboost_names_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "xgboost", None)
    with pytest.raises(ImportError, match=r"medzoo\[boosting\]"):
        estimator_names(["xgboost"])


def test_elastic_net_of_labels_leaves_features_out(monkeypatch):
    arguments = ESTIMATORS["elastic_net"]["classification"].arguments
    set_row(monkeypatch, "elastic_net", "classification", arguments, {"C": [0.3], "l1_ratio": [0.9]})
    coefficients = fit_estimator("elastic_net", VALUES, LABELS, PATIENTS).estimator[-1].coef_
    assert (coefficients == 0).any()
    assert (coefficients != 0).any()
