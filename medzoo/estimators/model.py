"""An estimator over the features of a network, with the face of a zoo model, and its files: skops and XGBoost's own."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medzoo.entry import BOOSTER_FILE, ESTIMATOR_FILE
from medzoo.entry.untrusted import damage_named
from medzoo.errors import IntegrityError, require
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
        IntegrityError: The file is damaged, or holds a type that no estimator of medzoo has; the message names it.
        ImportError: skops, or XGBoost for an estimator of it, is not installed.
    """
    skops = require("skops.io", "boosting")
    path = folder / ESTIMATOR_FILE
    with damage_named(path, "estimator of skops"):
        foreign = sorted(set(skops.get_untrusted_types(file=path)) - set(TRUSTED))
        if foreign:
            raise _refused(path, f"the type {foreign[0]}")
        pipeline = skops.load(path, trusted=[*TRUSTED])
    if (folder / BOOSTER_FILE).is_file():
        pipeline.steps[-1] = (STEP, _read_booster(folder / BOOSTER_FILE, kind))
    with damage_named(path, "estimator of medzoo"):
        _check(path, pipeline, kind)
    return pipeline


def estimator_versions() -> dict[str, str]:
    """Return the versions of the loaded libraries that estimators are made of."""
    return {name: sys.modules[name].__version__ for name in ("sklearn", "xgboost", "skops") if name in sys.modules}


def _read_booster(path: Path, kind: str) -> Any:
    row = ESTIMATORS["xgboost"][kind]
    require(row.module, "boosting")
    booster = getattr(importlib.import_module(row.module), row.name)(n_jobs=1)
    with damage_named(path, "model of XGBoost"):
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
        _check_tree(path, member.tree_, last.n_features_in_)
    if hasattr(last, "support_vectors_"):
        _check_machine(path, last)


def _innermost(step: Any) -> Any:
    # A calibrated classifier stands around another one.
    return step.calibrated_classifiers_[0].estimator if hasattr(step, "calibrated_classifiers_") else step


def _check_machine(path: Path, machine: Any) -> None:
    # libsvm takes the lengths of all arrays from that of one, and reads on where another is shorter.
    per_label = np.asarray(machine._n_support)
    labels, vectors = len(per_label), len(machine.support_vectors_)
    expected = {
        "support_vectors_": (vectors, machine.n_features_in_),
        "support_": (vectors,),
        "_dual_coef_": (labels - 1, vectors),
        "_intercept_": (labels * (labels - 1) // 2,),
    }
    is_classifier = hasattr(machine, "classes_")
    is_sound = (
        per_label.ndim == 1
        and labels == (len(machine.classes_) if is_classifier else 2)
        and labels > 1
        and (per_label >= 0).all()
        and (not is_classifier or per_label.sum() == vectors)
        and all(np.shape(getattr(machine, name)) == shape for name, shape in expected.items())
        and machine.shape_fit_[1] == machine.n_features_in_
        # Others look into the rows of the training.
        and (machine.kernel, machine._sparse) == ("rbf", False)
        # Its own probabilities, which `medzoo features` does not fit, have arrays of their own.
        and getattr(machine, "probability", False) in (False, "deprecated")
        and machine._impl == type(machine)._impl
    )
    if not is_sound:
        raise _refused(path, "a damaged support vector machine")


def _check_tree(path: Path, tree: Any, features: int) -> None:
    if tree.n_features != features:
        raise _refused(path, "a damaged tree")
    # A child in front of its parent would be walked for ever, one behind the end read foreign memory.
    nodes, is_leaf = np.arange(tree.node_count), tree.children_left == -1
    for children in (tree.children_left, tree.children_right):
        if not (is_leaf | ((children > nodes) & (children < tree.node_count))).all():
            raise _refused(path, "a damaged tree")
    if not (is_leaf | ((tree.feature >= 0) & (tree.feature < tree.n_features))).all():
        raise _refused(path, "a damaged tree")


def _refused(path: Path, what: str) -> IntegrityError:
    return IntegrityError(
        f"{path} holds {what}; expected a pipeline of StandardScaler and an estimator that `medzoo features` fits. It "
        "was not loaded. Get the entry again from where it came, or fit it anew."
    )
