"""Estimators over the features of a network, beside the network itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medzoo.estimators.model import EstimatorModel
from medzoo.estimators.table import ESTIMATORS, estimator_names
from medzoo.evaluation.estimators.run import EstimatorRun
from medzoo.evaluation.estimators.table import EstimatorTable
from medzoo.features.extract import check_model
from medzoo.files import locked
from medzoo.task import Task

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.zoo_model import ZooModel


class Compared(NamedTuple):
    """The table, and the estimator that is the best in the inner folds, with its scores as its `evaluation`."""

    table: EstimatorTable
    best: EstimatorModel


def compare_estimators(
    model: ZooModel,
    known: Samples,
    test: Samples,
    run: str | os.PathLike,
    names: Sequence[str] = tuple(ESTIMATORS),
    layer: str | int | None = None,
    data_name: str | None = None,
) -> Compared:
    """Fit estimators on the features of a network, and score them and the network on the same test cases.

    The parameters are chosen in folds of patients of `known`, and the best estimator by its mean score there, so that
    the test cases choose nothing. What is finished in `run` is kept if this is killed and called again.

    Args:
        model: A zoo model. It has a row of its own where it answers the task of the samples.
        known: Rows to fit on: the train and the valid part.
        test: Rows to score on.
        run: Folder for `features.npz`, `<name>/evaluation.json` and the tables.
        names: Names of estimators.
        layer: Layer whose features are taken, as in `medzoo.features.extract`.
        data_name: Name of the data set for the records.

    Returns:
        The table, which is also written into `run`, and the best estimator.

    Raises:
        ValueError: A name or the layer is unknown, a patient is in both parts, there are too few patients, the
            samples have masks, or `run` holds features of other data or another model.
        TypeError: The model is no Keras model.
        RuntimeError: Another process works in this folder.

    Example:
        >>> table, best = compare_estimators(model, train + valid, test, "runs/density")
        >>> print(table)

    Source: Varma and Simon, 2006, doi 10.1186/1471-2105-7-91, for choices made inside the training data only.
    """
    names, folder = estimator_names(names), Path(run)
    check_model(model, known)
    job = EstimatorRun(folder, model, _task_of(model.task, known), known, test, layer, data_name)
    with locked(folder):
        # Before anything else, since it refuses a folder of something else.
        _ = job.features
        rows = [job.network_row()] if job.task.name == model.task.name else []
        rows += [job.row(name) for name in names]
        chosen = max((row for row in rows if row.inner), key=lambda row: row.inner["score"])
        table = EstimatorTable(tuple(rows), chosen.name, layer)
        table.save(folder)
        best = job.estimator(chosen.name)
        best.evaluation = chosen.evaluation
    return Compared(table, best)


def _task_of(task: Task, samples: Samples) -> Task:
    """Return what the estimators answer: the task of the network, or that of the samples."""
    if samples.task_type.is_dense:
        raise ValueError("Estimators answer with labels or numbers; the samples have masks. Give other data.")
    if samples.kind != task.name:
        return samples.task.fit(samples.targets)
    task.check_labels(samples.labels)
    # Threshold and temperature were fitted for the network's own probabilities.
    return task.uncalibrated().fit(samples.targets)
