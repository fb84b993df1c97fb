"""An estimator over the features of a network, with the face of a zoo model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.preprocessing import Preprocessing
from medzoo.recipe import ESTIMATOR, Recipe
from medzoo.task import Task

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


class EstimatorModel:
    """A network from the image to features, and a scikit-learn estimator from these to the answer.

    `medzoo.predict`, `evaluate`, `compare`, `calibrate` and `save` take it as they take a `ZooModel`. It is no Keras
    model: it has no `fit`, since `medzoo features` fits it, and no gradients for `medzoo.explain`. Where a model of
    stacks of slices averages over several, each stack is answered and the answers are averaged, as of a network, while
    the estimator has learnt from the mean of their features.

    Args:
        network: Keras model, or `OnnxModel`, from `(batch, *size, channels)` to `(batch, features)`.
        estimator: Pipeline that was fitted on such features.
        recipe: Recipe with the task of the answer; `estimator_recipe` makes one.
        evaluation: Scores on a test set, or None.

    Example:
        >>> model = medzoo.load("runs/density/best")
        >>> medzoo.predict(model, "scan.nii.gz").value
        0.74
    """

    def __init__(self, network: Any, estimator: Pipeline, recipe: Recipe, evaluation: Any = None):
        self.network = network
        self.estimator = estimator
        self.recipe = recipe
        self.evaluation = evaluation

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def task(self) -> Task:
        """What the model answers."""
        return self.recipe.task

    @property
    def preprocessing(self) -> Preprocessing:
        """Steps from a file to the network's input."""
        return self.recipe.preprocessing

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs `(batch, outputs)` for inputs `(batch, *size, channels)`, as a network of the task."""
        return self.answer(np.asarray(self.network.predict_on_batch(inputs)))

    def answer(self, features: np.ndarray) -> np.ndarray:
        """Return the outputs `(cases, outputs)`, float32, for features `(cases, features)`.

        Of a classification with two labels the probability of the second, with more that of each; of a regression
        the number in deviations.
        """
        if not self.task.is_categorical:
            return np.asarray(self.estimator.predict(features), np.float32).reshape(-1, 1)
        probabilities = np.asarray(self.estimator.predict_proba(features), np.float32)
        return probabilities[:, 1:] if self.task.is_binary else probabilities


def estimator_recipe(
    recipe: Recipe, task: Task, name: str, parameters: dict[str, Any], layer: str | int | None = None
) -> Recipe:
    """Return the recipe of an estimator over the network of a recipe.

    Args:
        recipe: Recipe of the network.
        task: What the estimator answers.
        name: Name of the estimator.
        parameters: Those that were found for it.
        layer: Layer whose features it takes, as in `extract`.
    """
    builder = {
        "name": ESTIMATOR,
        "estimator": name,
        "parameters": parameters,
        "layer": layer,
        "of": {**recipe.builder, "task": recipe.task.name},
    }
    values = {**recipe.to_json(), "name": f"{recipe.name}-{name.replace('_', '-')}", "builder": builder, "expected": {}}
    if task.name != recipe.task.name:
        # What the network was trained for, and on, is not what is answered now.
        values |= {"loss": None, "balance": {}, "card": {}}
    return Recipe.from_json({**values, "task": task.to_json()})
