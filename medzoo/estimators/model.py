"""An estimator over the features of a network, with the face of a zoo model, and its files: skops and XGBoost's own."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.entry import BOOSTER_FILE, ESTIMATOR_FILE
from medzoo.errors import require
from medzoo.estimators.table import ESTIMATORS, STEP
from medzoo.inference.model import RecipeModel
from medzoo.recipe import ESTIMATOR, Recipe
from medzoo.task import Task

if TYPE_CHECKING:
    import keras
    from sklearn.pipeline import Pipeline

    from medzoo.evaluation.record import Evaluation
    from medzoo.inference import OnnxModel

# What our own pipelines hold besides what skops takes for safe: calibrated classifiers, and trees, which are checked.
TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.tree._tree.Tree",
)


class EstimatorModel(RecipeModel):
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

    def __init__(
        self,
        network: keras.Model | OnnxModel,
        estimator: Pipeline,
        recipe: Recipe,
        evaluation: Evaluation | None = None,
    ):
        super().__init__(recipe, evaluation)
        self.network = network
        self.estimator = estimator

    def predict_on_batch(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs `(batch, outputs)` for inputs `(batch, *size, channels)`, as a network of the task."""
        features = np.asarray(self.network.predict_on_batch(inputs))
        # Trees answer NaN like any number, and the others refuse all rows for one.
        is_finite = np.isfinite(features).all(axis=1)
        if is_finite.all():
            return self.answer(features)
        outputs = np.full((len(features), self.task.outputs), np.nan, np.float32)
        if is_finite.any():
            outputs[is_finite] = self.answer(features[is_finite])
        return outputs

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
        parameters: Those that were chosen for it.
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


def write_estimator(pipeline: Pipeline, folder: Path) -> None:
    """Write a pipeline of `medzoo.estimators.table` into a folder.

    XGBoost's part goes into a file of XGBoost's own format, which later versions of it read, too.

    Raises:
        ImportError: skops is not installed.
    """
    skops = require("skops.io", "boosting")
    last = pipeline[-1]
    if hasattr(last, "get_booster"):
        last.save_model(folder / BOOSTER_FILE)
        pipeline = type(pipeline)([*pipeline.steps[:-1], (STEP, "passthrough")])
    skops.dump(pipeline, folder / ESTIMATOR_FILE, compression=zipfile.ZIP_DEFLATED)


def read_estimator(folder: Path, kind: str) -> Pipeline:
    """Read what `write_estimator` wrote; nothing in the file is run.

    Args:
        folder: Where it lies.
        kind: Name of the task, `"regression"` or `"classification"`.

    Raises:
        ValueError: The file holds a type that no estimator of medzoo has; the message names it.
        ImportError: skops, or XGBoost for an estimator of it, is not installed.
    """
    skops = require("skops.io", "boosting")
    path = folder / ESTIMATOR_FILE
    foreign = sorted(set(skops.get_untrusted_types(file=path)) - set(TRUSTED))
    if foreign:
        raise _refused(path, f"the type {foreign[0]}")
    pipeline = skops.load(path, trusted=[*TRUSTED])
    if (folder / BOOSTER_FILE).is_file():
        pipeline.steps[-1] = (STEP, _read_booster(folder / BOOSTER_FILE, kind))
    _check(path, pipeline, kind)
    return pipeline


def estimator_versions() -> dict[str, str]:
    """Return the versions of the loaded libraries that estimators are made of."""
    return {name: sys.modules[name].__version__ for name in ("sklearn", "xgboost", "skops") if name in sys.modules}


def _read_booster(path: Path, kind: str) -> Any:
    row = ESTIMATORS["xgboost"][kind]
    require(row.module, "boosting")
    booster = getattr(importlib.import_module(row.module), row.name)(n_jobs=1)
    booster.load_model(path)
    return booster


def _check(path: Path, pipeline: Any, kind: str) -> None:
    """Refuse what is no scaling with an estimator of the table behind it."""
    steps = [step for _, step in getattr(pipeline, "steps", ())]
    last = _innermost(steps[-1] if steps else pipeline)
    names = [type(step).__name__ for step in (*steps[:-1], last)]
    expected = {row[kind].name for row in ESTIMATORS.values()}
    if names[:-1] != ["StandardScaler"] or names[-1] not in expected:
        raise _refused(path, f"{' and '.join(names)} for a {kind}")
    for member in getattr(last, "estimators_", ()):
        _check_tree(path, member.tree_)


def _innermost(step: Any) -> Any:
    # A calibrated classifier stands around another one.
    return step.calibrated_classifiers_[0].estimator if hasattr(step, "calibrated_classifiers_") else step


def _check_tree(path: Path, tree: Any) -> None:
    # A child in front of its parent would be walked for ever, one behind the end read foreign memory.
    nodes, is_leaf = np.arange(tree.node_count), tree.children_left == -1
    for children in (tree.children_left, tree.children_right):
        if not (is_leaf | ((children > nodes) & (children < tree.node_count))).all():
            raise _refused(path, "a damaged tree")
    if not (is_leaf | ((tree.feature >= 0) & (tree.feature < tree.n_features))).all():
        raise _refused(path, "a damaged tree")


def _refused(path: Path, what: str) -> ValueError:
    return ValueError(
        f"{path} holds {what}; expected a pipeline of StandardScaler and an estimator that `medzoo features` fits. It "
        "was not loaded. Get the entry again from where it came, or fit it anew."
    )
