"""Estimators with the parameters that are best in folds of patients."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.data.samples import task_type
from medzoo.data.splits import grouped_folds, strata_of
from medzoo.estimators.table import ESTIMATORS, STEP, Row, estimator_names, make_pipeline
from medzoo.progress import progress_bar

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FOLDS = 5
_EXPECTED = (".*did not converge", ".*max_iter was reached", "y_pred contains classes", "A single label was found")


@dataclass(frozen=True, eq=False)
class Fitted:
    """An estimator with the parameters that were found for it.

    Args:
        name: Its name in `ESTIMATORS`.
        estimator: scikit-learn pipeline of scaling and the estimator, fitted on all rows.
        parameters: What was chosen from the grid.
        score: Mean score over the inner folds with these parameters; `r2` or `balanced_accuracy`.
        spread: Standard deviation of that score over the folds.
    """

    name: str
    estimator: Pipeline
    parameters: dict[str, Any]
    score: float
    spread: float


def fit_estimators(
    values: np.ndarray,
    targets: Sequence[float] | Sequence[int],
    patients: Sequence[str],
    names: Sequence[str] = tuple(ESTIMATORS),
    seed: int = 0,
    weights: np.ndarray | None = None,
) -> dict[str, Fitted]:
    """Fit estimators, each with the parameters that are best in folds of patients.

    Args:
        values: Features `(cases, features)`.
        targets: Numbers (float) for a regression, label indices (int) for a classification.
        patients: Patient of each case; no fold separates their cases.
        names: Names in `ESTIMATORS`.
        seed: Seed of the folds and of the estimators.
        weights: Weight of each case `(cases,)`, or None.

    Returns:
        Name to what was fitted.

    Raises:
        ValueError: A name is unknown, a feature is not finite, or there are too few patients, also of a label.
        ImportError: XGBoost is asked for and not installed.

    Example:
        >>> fit_estimators(features.values, samples.targets, samples.patients, ["svr"])["svr"].score
        0.31

    Source: Varma and Simon, 2006, doi 10.1186/1471-2105-7-91, for parameters chosen inside the training data only.
    """
    return {name: fit_estimator(name, values, targets, patients, seed, weights) for name in estimator_names(names)}


def fit_estimator(
    name: str,
    values: np.ndarray,
    targets: Sequence[float] | Sequence[int],
    patients: Sequence[str],
    seed: int = 0,
    weights: np.ndarray | None = None,
) -> Fitted:
    """Fit one estimator, as `fit_estimators` does."""
    if not np.isfinite(values).all():
        raise ValueError("The features must be finite; some are not. The network's weights may have diverged.")
    task = task_type(targets[0])
    row, answers = ESTIMATORS[name][task.name], np.asarray(targets)
    folds = inner_folds(answers, patients, seed)
    pipeline = make_pipeline(row, seed)
    fit = {} if weights is None else {f"{STEP}__sample_weight": weights}
    with warnings.catch_warnings():
        # Some parameters converge slowly, and small folds miss a label; the scores say what that costs.
        for message in _EXPECTED:
            warnings.filterwarnings("ignore", message=message)
        parameters, scores = _search(pipeline, row, str(task.main_score), folds, (values, answers), fit)
        pipeline.named_steps[STEP].set_params(**parameters)
        if task.is_categorical:
            _calibrate(pipeline, folds)
        pipeline.fit(values, answers, **fit)
    if hasattr(pipeline[-1], "cv"):
        # The rows of the folds are no part of the estimator.
        pipeline[-1].cv = None
    return Fitted(name, pipeline, parameters, float(scores.mean()), float(scores.std()))


def inner_folds(targets: np.ndarray, patients: Sequence[str], seed: int = 0) -> np.ndarray:
    """Return the fold `(cases,)` of each case: five, or as many as leave every label in every training part.

    Raises:
        ValueError: There are too few patients, or a label has too few.
    """
    kinds = set(targets.tolist()) if np.issubdtype(targets.dtype, np.integer) else set()
    strata = strata_of(targets.tolist())
    for count in range(min(FOLDS, len(set(patients))), 1, -1):
        fold_of = grouped_folds(patients, strata, count, seed)
        if all(kinds <= set(targets[fold_of != fold].tolist()) for fold in range(count)):
            return fold_of
    raise ValueError(
        "The parameters of estimators are found in folds of patients, so each label needs at least 2 patients in train "
        f"and valid. Received: {len(set(patients))} patients with {len(kinds) or 'no'} labels. Add patients."
    )


def _search(
    pipeline: Pipeline, row: Row, score: str, folds: np.ndarray, data: tuple[np.ndarray, ...], fit: Mapping[str, Any]
) -> tuple[dict[str, Any], np.ndarray]:
    """Return the best parameters, and their score in each fold."""
    import joblib
    from sklearn.metrics import get_scorer
    from sklearn.model_selection import GridSearchCV, ParameterGrid, PredefinedSplit

    count, splitter = len(ParameterGrid(row.grid)), PredefinedSplit(folds)
    # Threads, since what is slow here lets go of Python, and processes would each load all of this first.
    total = count * splitter.get_n_splits()
    with progress_bar(f"Fitting {row.name}", total) as bar, joblib.parallel_config("threading"):
        grid = {f"{STEP}__{name}": choices for name, choices in row.grid.items()}
        scoring = _counted(get_scorer(score), bar.advance)
        search = GridSearchCV(pipeline, grid, scoring=scoring, n_jobs=-1, refit=False, cv=splitter, error_score="raise")
        search.fit(*data, **fit)
    best = search.cv_results_["rank_test_score"].argmin()
    scores = [search.cv_results_[f"split{fold}_test_score"][best] for fold in range(splitter.get_n_splits())]
    chosen = search.cv_results_["params"][best]
    return {name.removeprefix(f"{STEP}__"): value for name, value in chosen.items()}, np.array(scores)


def _counted(scorer: Callable, advance: Callable[[], None]) -> Callable:
    def score(*arguments: Any) -> float:
        advance()
        return scorer(*arguments)

    return score


def _calibrate(pipeline: Pipeline, folds: np.ndarray) -> None:
    """Let a classifier that knows no probabilities, an SVM, fit them on the answers of the same folds."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.model_selection import PredefinedSplit

    estimator = pipeline.named_steps[STEP]
    if not hasattr(estimator, "predict_proba"):
        splits = list(PredefinedSplit(folds).split())
        pipeline.steps[-1] = (STEP, CalibratedClassifierCV(estimator, cv=splits, ensemble=False))
