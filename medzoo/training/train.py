"""Train a recipe on samples, in a folder that survives a kill."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from medzoo.data import Samples
from medzoo.data.samples import check_task
from medzoo.data.statistics import fit_preprocessing
from medzoo.devices import distributed, own_folder
from medzoo.features.cache import FeatureCache
from medzoo.features.clusters import fit_clusters
from medzoo.files import locked, read_json, refuse_other
from medzoo.losses import make_loss
from medzoo.metrics import make_metrics
from medzoo.optimizers import make_optimizer
from medzoo.recipe import Recipe
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.data import parts, with_channel_names
from medzoo.training.fingerprint import fingerprint
from medzoo.training.fitting import Fitting
from medzoo.training.history import HISTORY
from medzoo.training.machine import keep_freed_memory
from medzoo.training.runs import RUN
from medzoo.training.tracking import track
from medzoo.zoo_model import ZooModel


def train(
    recipe: Recipe,
    samples: Samples,
    run: str | os.PathLike,
    verbose: int | str = "auto",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    cache: str | os.PathLike | None = None,
) -> ZooModel:
    """Train a model, or go on where a killed training in the same folder stood.

    Every finished epoch is on disk before the next begins; the best one on the validation part is returned. Samples
    with a "train" and a "valid" part keep them; others are split as the recipe says.

    The same recipe and data give the same model on the same backend, machine and versions, also if the run was killed
    and resumed in between; except on a GPU, whose sums have no fixed order, or with another number of cores. A run also
    goes on for more epochs than its recipe had before; a schedule that ends with the last epoch then begins to differ.

    Args:
        recipe: All values of the training.
        samples: What to train and validate on; a "test" part is not looked at.
        run: Folder for the recipe, checkpoints, `history.csv`, `run.json` and TensorBoard logs.
        verbose: Keras's progress: 0 silent, 1 bar, 2 a line an epoch.
        callbacks: Further callbacks for `fit`.
        cache: Folder for the features of a frozen encoder, which several runs may share; by default in `run`.

    Returns:
        The model of the best epoch in float32, compiled for fine-tuning.

    Raises:
        ValueError: The folder holds a run of another recipe or of other data, a part has no samples, or a file cannot
            be read.
        RuntimeError: Another process trains in this folder.
        DivergenceError: The loss became NaN; the best weights are in the folder.
    """
    keep_freed_memory()
    # The data may take long to read, so this comes first; the folder is claimed after it.
    _refuse_other(Path(run), recipe)
    samples = check(recipe, samples)
    training, validation = parts(samples, recipe)
    data = fingerprint(training + validation)
    _refuse_other_data(Path(run), recipe, data)
    fitted = fit_recipe(recipe, training)
    with own_folder(Path(run)) as run, locked(run):
        _claim(run, recipe, data)
        recipe = fitted
        checkpoints = Checkpoints(run / "checkpoints", recipe.validation_score)
        checkpoints.clean()
        features = FeatureCache(cache or run / "features")
        with (
            distributed(recipe.devices, recipe.batch_size) as parallel,
            track(run, recipe, training + validation, data) as record,
        ):
            fitting = Fitting(recipe, training, validation, run, checkpoints, features, parallel, verbose)
            fitting.run([record.callback, *callbacks])
        return fitting.best_model()


def fit_recipe(recipe: Recipe, training: Samples) -> Recipe:
    """Return the recipe with what it takes from the training data: intensities, scale of a regression, clusters.

    Raises:
        ValueError: All targets or all pixels are equal.
    """
    task = recipe.task.fit(training.targets)
    preprocessing = fit_preprocessing(with_channel_names(recipe.preprocessing, training), training)
    fitted = replace(recipe, task=task, preprocessing=preprocessing)
    return fit_clusters(fitted, training)


def check(recipe: Recipe, samples: Samples) -> Samples:
    """Refuse a training that cannot begin, before a folder is claimed.

    Returns:
        The samples, with their labels in the order of the task.

    Raises:
        ValueError: The samples are not for the task; or a user's own class is not registered with Keras, or does not
            take its arguments.
    """
    samples = check_task(samples, recipe.task)
    # With its schedule; the number of steps does not matter.
    make_optimizer(recipe, steps_per_epoch=1)
    make_metrics(recipe.metric_names, recipe.task.outputs, recipe.task.threshold)
    if recipe.loss:
        make_loss(recipe.loss)
    return samples


def _refuse_other(run: Path, recipe: Recipe) -> None:
    """Refuse the folder of another recipe; `card` and `expected` may differ.

    A folder without a finished epoch is free: its recipe did not train, and a mended one may take its place. More
    epochs may be asked for.
    """
    path = run / "recipe.json"
    if path.exists() and _is_trained(run, recipe):
        # Through Recipe, so that a file of an older medzoo has today's fields.
        other = Recipe.load(path)
        may_differ = ("card", "expected", *(["epochs"] if recipe.epochs > other.epochs else []))
        refuse_other(run, "a run of another recipe", recipe.to_json(), other.to_json(), may_differ)


def _refuse_other_data(run: Path, recipe: Recipe, data: Mapping[str, Any]) -> None:
    """Refuse the folder of a run on other data; one of an older medzoo does not say what its data was."""
    path = run / RUN
    if path.exists() and _is_trained(run, recipe) and (other := read_json(path).get("fingerprint")):
        refuse_other(run, "a run on other data", data, other)


def _is_trained(run: Path, recipe: Recipe) -> bool:
    return (run / HISTORY).exists() or bool(Checkpoints(run / "checkpoints", recipe.validation_score).latest)


def _claim(run: Path, recipe: Recipe, data: Mapping[str, Any]) -> None:
    _refuse_other(run, recipe)
    _refuse_other_data(run, recipe, data)
    recipe.save(run / "recipe.json")
