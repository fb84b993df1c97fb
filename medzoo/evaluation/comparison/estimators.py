"""Estimators over the features of a network, beside the network itself, in a folder that keeps all that is finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from medzoo.data.feed.balance import class_weights
from medzoo.entry.untrusted import damage_named
from medzoo.estimators.model import EstimatorModel, estimator_recipe, read_estimator, write_estimator
from medzoo.estimators.table import ESTIMATORS, estimator_names
from medzoo.estimators.tuning import fit_estimator
from medzoo.evaluation.comparison.estimator_table import Candidate, EstimatorTable
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.record import Evaluation, save_report
from medzoo.features.extract import Features, check_model, extract_with
from medzoo.files import atomic_folder, locked, read_json, refuse_other, write_json
from medzoo.graph.features import feature_network
from medzoo.models.fast import accelerate

if TYPE_CHECKING:
    import keras

    from medzoo.data import Samples
    from medzoo.task import Task
    from medzoo.zoo_model import ZooModel

FEATURES, FITTED, EVALUATION = "features.npz", "fitted.json", "evaluation.json"
NETWORK = "cnn"

# Rows after which features are written, so that a kill loses no more.
_AT_ONCE = 100


class Compared(NamedTuple):
    """The table, and the best estimator by the inner folds, with its test scores as its `evaluation`."""

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
    the test cases choose nothing. After a kill the same call goes on with what `run` holds already.

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
        # First, since it refuses a folder of another comparison.
        _ = job.features
        rows = [job.network_row()] if job.task.name == model.task.name else []
        rows += [job.row(name) for name in names]
        scores = {row.name: row.inner["score"] for row in rows if row.inner}
        table = EstimatorTable(tuple(rows), max(scores, key=lambda name: scores[name]), layer)
        table.save(folder)
        best = job.estimator(table.best)
        best.evaluation = {row.name: row.evaluation for row in rows}[table.best]
    return Compared(table, best)


@dataclass(frozen=True, eq=False)
class EstimatorRun:
    """Everything that is fitted and scored in one folder.

    Args:
        folder: The folder; `features.npz`, and for the network (`cnn`) and each estimator a folder of its name.
        model: The zoo model whose features are taken.
        task: What the estimators answer.
        known: Rows to fit on.
        test: Rows to score on.
        layer: Layer whose features are taken.
        data_name: Name of the data set for the records.
    """

    folder: Path
    model: ZooModel
    task: Task
    known: Samples
    test: Samples
    layer: str | int | None = None
    data_name: str | None = None

    @cached_property
    def network(self) -> keras.Model:
        """The network from the image to features."""
        return accelerate(feature_network(self.model, self.layer))

    @cached_property
    def features(self) -> Features:
        """Features of the known and then the test rows, read from the folder or written there.

        Raises:
            ValueError: The folder holds those of other data, another model or another layer.
        """
        samples, features = self.known + self.test, self._kept()
        while features is None or len(features) < len(samples):
            start = 0 if features is None else len(features)
            rows = samples[start : start + _AT_ONCE]
            words = f"Features {start + 1} to {start + len(rows)} of {len(samples)}"
            new = extract_with(self.network, self.model.preprocessing, rows, words=words)
            features = new if features is None else features + new
            features.save(self.folder / FEATURES, key=np.array(self._key))
        return features

    def _kept(self) -> Features | None:
        """Return the features that the folder holds already, all or the first of them."""
        path = self.folder / FEATURES
        if not path.is_file():
            return None
        with damage_named(path, "file of features", "Delete it and run this again."), np.load(path) as file:
            key = str(file["key"]) if "key" in file else None
        refuse_other(self.folder, "estimators of other data, another model or another layer", self._key, key)
        return Features.load(path)

    def network_row(self) -> Candidate:
        """Score the model itself."""
        return Candidate(NETWORK, self._evaluated(self.model, NETWORK))

    def row(self, name: str) -> Candidate:
        """Fit and score an estimator."""
        model = self.estimator(name)
        return Candidate(name, self._evaluated(model, name), read_json(self.folder / name / FITTED))

    def estimator(self, name: str) -> EstimatorModel:
        """Return an estimator over the network, fitted now or before."""
        folder = self.folder / name
        if not (folder / FITTED).is_file():
            self._fit(name, folder)
        parameters = read_json(folder / FITTED)["parameters"]
        recipe = estimator_recipe(self.model.recipe, self.task, name, parameters, self.layer)
        return EstimatorModel(self.network, read_estimator(folder, self.task.name), recipe)

    def _fit(self, name: str, folder: Path) -> None:
        # As Python's numbers, which estimators take in double precision.
        values, targets = self.features.values[: len(self.known)], self.task.encode(self.known.targets).tolist()
        fitted = fit_estimator(name, values, targets, self.known.patients, self.model.recipe.seed, self._weights())
        with atomic_folder(folder) as new:
            write_estimator(fitted.estimator, new)
            row = {"score": fitted.score, "spread": fitted.spread, "parameters": fitted.parameters}
            write_json(new / FITTED, row)

    def _weights(self) -> np.ndarray | None:
        """Return the weight of each known case if the recipe balances rare labels, else None."""
        balance = self.model.recipe.balance
        rule = balance.get("class_weights") or balance.get("sampling")
        if rule is None or not (self.task.is_categorical and self.model.task.is_categorical):
            return None
        return class_weights(self.known, rule)[np.array(self.known.targets)]

    def _evaluated(self, model: Any, name: str) -> Evaluation:
        path = self.folder / name / EVALUATION
        if path.is_file():
            return Evaluation.from_json(read_json(path))
        evaluation = evaluate(model, self.test, split="test", data_name=self.data_name)
        save_report(evaluation, path.parent, model=model, samples=self.test)
        return evaluation

    @cached_property
    def _key(self) -> str:
        """Return a hash of all that decides the features and the fits."""
        samples, recipe = self.known + self.test, self.model.recipe
        digest = hashlib.sha256()
        for weight in self.network.get_weights():
            digest.update(np.ascontiguousarray(weight).data)
        rows = list(zip(samples.sources, samples.patients, samples.splits, map(float, samples.targets), strict=True))
        settings = [self.model.preprocessing.to_json(), self.layer, recipe.seed, dict(recipe.balance)]
        digest.update(json.dumps([rows, samples.labels, samples.slices, *settings]).encode())
        return digest.hexdigest()


def _task_of(task: Task, samples: Samples) -> Task:
    """Return the task of the estimators: that of the network, or that of the samples."""
    if samples.task_type.is_dense:
        raise ValueError("Estimators answer with labels or numbers; the samples have masks. Give other data.")
    if samples.kind != task.name:
        return samples.task.fit(samples.targets)
    task.check_labels(samples.labels)
    # Threshold and temperature were fitted for the network's own probabilities.
    return task.uncalibrated().fit(samples.targets)
