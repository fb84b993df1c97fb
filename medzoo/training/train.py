"""Train a recipe on samples, in a folder that survives a kill."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras

from medzoo.data import Samples
from medzoo.data.reader import reader_errors
from medzoo.data.statistics import fit_preprocessing
from medzoo.recipe import Recipe
from medzoo.training.callbacks import SaveEpoch, StopEarly, StopOnDivergence, write_table
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.parts import parts
from medzoo.zoo_model import ZooModel


def train(recipe: Recipe, samples: Samples, run: str | os.PathLike, verbose: int | str = "auto") -> ZooModel:
    """Train a model, or go on where a killed training in the same folder stood.

    Every finished epoch is on disk before the next begins; the best weights on the validation part are what is
    returned. Samples that bring a "train" and a "valid" part keep them; others are split as the recipe says.

    Args:
        recipe: All values of the training.
        samples: What to train and validate on; a "test" part is not looked at.
        run: Folder for the recipe, checkpoints, `history.csv` and TensorBoard logs.
        verbose: Keras's progress: 0 silent, 1 bar, 2 a line an epoch.

    Returns:
        The model of the best epoch in float32, compiled for fine-tuning.

    Raises:
        ValueError: The folder holds a run of another recipe, a part has no samples, or a file cannot be read.
        DivergenceError: The loss became NaN; the best weights are in the folder.
    """
    run = Path(run)
    _claim(run, recipe)
    training, validation = parts(samples, recipe)
    recipe = fit_recipe(recipe, training)
    checkpoints = Checkpoints(run / "checkpoints", recipe.task.monitor)
    checkpoints.clean()
    with reader_errors():
        _fit(recipe, training, validation, run, checkpoints, verbose)
    model = ZooModel.from_recipe(recipe)
    checkpoints.load_weights(model, checkpoints.best)
    model.compile_from_recipe()
    return model


def fit_recipe(recipe: Recipe, training: Samples) -> Recipe:
    """Return the recipe with what it leaves to the training data: intensities of the data set, scale of a regression.

    Raises:
        ValueError: All targets or all pixels are equal.
    """
    task = recipe.task.fit(training.targets) if recipe.task.name == "regression" else recipe.task
    return replace(recipe, task=task, preprocessing=fit_preprocessing(recipe.preprocessing, training))


def _fit(
    recipe: Recipe, training: Samples, validation: Samples, run: Path, checkpoints: Checkpoints, verbose: int | str
) -> None:
    keras.utils.set_random_seed(recipe.seed)
    done = checkpoints.latest or 0
    with _precision(recipe.precision):
        model = ZooModel.from_recipe(recipe, pretrained=not done)
    model.compile_from_recipe(steps_per_epoch=math.ceil(len(training) / recipe.batch_size))
    history = checkpoints.history(done)
    if done:
        checkpoints.restore(model, done)
        # A kill may have come between the checkpoint and its row.
        write_table(run / "history.csv", history)
    if _is_finished(recipe, history):
        return
    model.fit(
        # A resumed run draws another stream than a fresh one, or it would repeat the augmentation of its first epochs.
        model.dataset(training, recipe.batch_size, augment=True, shuffle=True, seed=recipe.seed + done),
        validation_data=model.dataset(validation, recipe.batch_size),
        initial_epoch=done,
        epochs=recipe.epochs,
        verbose=verbose,
        shuffle=False,
        callbacks=[
            StopOnDivergence(checkpoints),
            SaveEpoch(checkpoints, run / "history.csv", history),
            StopEarly(recipe.task.monitor, recipe.patience, history, verbose=int(verbose != 0)),
            keras.callbacks.TensorBoard(run / "tensorboard", write_graph=False),
        ],
    )


def _is_finished(recipe: Recipe, history: list[dict]) -> bool:
    scores = [row[recipe.task.monitor] for row in history]
    stale = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return len(scores) >= recipe.epochs or stale >= recipe.patience


def _claim(run: Path, recipe: Recipe) -> None:
    path = run / "recipe.json"
    if path.exists() and _values(Recipe.load(path)) != _values(recipe):
        raise ValueError(f"{run} holds a run of another recipe. Choose another folder, or delete this one first.")
    recipe.save(path)


def _values(recipe: Recipe) -> str:
    """Return what decides the training as JSON, where lists and tuples are one; the words around it may change."""
    return json.dumps({**recipe.to_json(), "card": None, "expected": None}, sort_keys=True)


@contextlib.contextmanager
def _precision(policy: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
