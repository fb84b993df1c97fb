"""The table of estimators that stand on the features of a network."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from medzoo.errors import require, unknown_name

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# Name of the last step of the pipelines.
STEP = "estimator"


class Row(NamedTuple):
    """An estimator of one task: where its class is, its fixed arguments, and the values to choose from."""

    module: str
    name: str
    arguments: Mapping[str, Any]
    grid: Mapping[str, Sequence[Any]]


_COSTS: dict[str, Sequence[Any]] = {"C": [0.1, 1, 10, 100]}
_FOREST: dict[str, Sequence[Any]] = {"min_samples_leaf": [1, 5], "max_features": ["sqrt", 0.33]}
_TREES = {"n_estimators": 300}
_BOOSTING: dict[str, Sequence[Any]] = {"max_depth": [2, 4], "n_estimators": [100, 300]}
_BOOSTED = {"learning_rate": 0.05, "subsample": 0.8, "colsample_bynode": 0.5, "n_jobs": 1}
_RATIOS = [0.1, 0.5, 0.9]

ESTIMATORS: dict[str, dict[str, Row]] = {
    "svr": {
        "regression": Row("sklearn.svm", "SVR", {}, {**_COSTS, "epsilon": [0.1, 0.5]}),
        "classification": Row("sklearn.svm", "SVC", {}, _COSTS),
    },
    "xgboost": {
        "regression": Row("xgboost", "XGBRegressor", _BOOSTED, _BOOSTING),
        "classification": Row("xgboost", "XGBClassifier", _BOOSTED, _BOOSTING),
    },
    "random_forest": {
        "regression": Row("sklearn.ensemble", "RandomForestRegressor", _TREES, _FOREST),
        "classification": Row("sklearn.ensemble", "RandomForestClassifier", _TREES, _FOREST),
    },
    "elastic_net": {
        "regression": Row(
            "sklearn.linear_model",
            "ElasticNet",
            {"max_iter": 5000},
            {"alpha": [0.01, 0.03, 0.1, 0.3, 1], "l1_ratio": _RATIOS},
        ),
        "classification": Row(
            "sklearn.linear_model",
            "LogisticRegression",
            {"solver": "saga", "max_iter": 2000, "tol": 1e-3},
            {"C": [0.003, 0.01, 0.03, 0.1, 1], "l1_ratio": _RATIOS},
        ),
    },
}
ALIASES = {"svm": "svr", "svc": "svr", "forest": "random_forest"}


def estimator_names(names: Sequence[str]) -> list[str]:
    """Return names of estimators as `ESTIMATORS` has them, each once.

    Raises:
        ValueError: One is unknown; near matches are in the message.
        ImportError: One needs a package that is not installed.
    """
    names = list(dict.fromkeys(ALIASES.get(name, name) for name in names))
    for name in names:
        if name not in ESTIMATORS:
            raise unknown_name("estimator", name, ESTIMATORS)
        require(ESTIMATORS[name]["regression"].module, "boosting")
    return names


def make_pipeline(row: Row, seed: int) -> Pipeline:
    """Return the estimator of a row of the table, behind a scaling of every feature to deviations."""
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    estimator = getattr(importlib.import_module(row.module), row.name)(**row.arguments)
    parameters = estimator.get_params()
    if "random_state" in parameters:
        estimator.set_params(random_state=seed)
    if row.name == "LogisticRegression" and parameters["penalty"] == "l2":
        # From scikit-learn 1.8 on, the ratio alone says so.
        estimator.set_params(penalty="elasticnet")
    return Pipeline([("scale", StandardScaler()), (STEP, estimator)])
