"""A Keras 3 model zoo for medical images.

Public names are imported on first use, so `import medzoo` loads neither Keras nor a backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medzoo import data, models, weights
    from medzoo.evaluation.calibrate import calibrate
    from medzoo.evaluation.comparison.compare import Comparison, compare
    from medzoo.evaluation.comparison.estimators import compare_estimators
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.evaluation.gradcam.explain import explain
    from medzoo.evaluation.gradcam.explanation import Explanation
    from medzoo.evaluation.record import Evaluation
    from medzoo.graph.freezing import freeze, stages, unfreeze
    from medzoo.hub.checkpoints.pull import pull_run
    from medzoo.hub.checkpoints.push import PushCheckpoints
    from medzoo.hub.publish import publish
    from medzoo.io import Scan, read_scan
    from medzoo.preprocessing import Preprocessing
    from medzoo.preprocessing.stack import Stack
    from medzoo.recipe import Recipe
    from medzoo.task import Classification, Regression, Segmentation
    from medzoo.training.cross_validation.run import cross_validate
    from medzoo.training.cross_validation.scores import CrossValidation
    from medzoo.training.search.run import learning_curve, search
    from medzoo.training.train import train
    from medzoo.zoo.listing.models import list_models
    from medzoo.zoo.load import load
    from medzoo.zoo.predict import predict
    from medzoo.zoo.save import save
    from medzoo.zoo_model import ZooModel

__version__ = "0.1.0"

_HOMES = {
    "Classification": "medzoo.task",
    "Comparison": "medzoo.evaluation.comparison.compare",
    "CrossValidation": "medzoo.training.cross_validation.scores",
    "Evaluation": "medzoo.evaluation.record",
    "Explanation": "medzoo.evaluation.gradcam.explanation",
    "Preprocessing": "medzoo.preprocessing",
    "PushCheckpoints": "medzoo.hub.checkpoints.push",
    "Recipe": "medzoo.recipe",
    "Regression": "medzoo.task",
    "Scan": "medzoo.io",
    "Segmentation": "medzoo.task",
    "Stack": "medzoo.preprocessing.stack",
    "ZooModel": "medzoo.zoo_model",
    "calibrate": "medzoo.evaluation.calibrate",
    "compare": "medzoo.evaluation.comparison.compare",
    "compare_estimators": "medzoo.evaluation.comparison.estimators",
    "cross_validate": "medzoo.training.cross_validation.run",
    "evaluate": "medzoo.evaluation.evaluate",
    "explain": "medzoo.evaluation.gradcam.explain",
    "freeze": "medzoo.graph.freezing",
    "learning_curve": "medzoo.training.search.run",
    "list_models": "medzoo.zoo.listing.models",
    "load": "medzoo.zoo.load",
    "predict": "medzoo.zoo.predict",
    "publish": "medzoo.hub.publish",
    "pull_run": "medzoo.hub.checkpoints.pull",
    "read_scan": "medzoo.io",
    "save": "medzoo.zoo.save",
    "search": "medzoo.training.search.run",
    "stages": "medzoo.graph.freezing",
    "train": "medzoo.training.train",
    "unfreeze": "medzoo.graph.freezing",
}

__all__ = [
    "Classification",
    "Comparison",
    "CrossValidation",
    "Evaluation",
    "Explanation",
    "Preprocessing",
    "PushCheckpoints",
    "Recipe",
    "Regression",
    "Scan",
    "Segmentation",
    "Stack",
    "ZooModel",
    "calibrate",
    "compare",
    "compare_estimators",
    "cross_validate",
    "data",
    "evaluate",
    "explain",
    "freeze",
    "learning_curve",
    "list_models",
    "load",
    "models",
    "predict",
    "publish",
    "pull_run",
    "read_scan",
    "save",
    "search",
    "stages",
    "train",
    "unfreeze",
    "weights",
]

_PACKAGES = ("data", "models", "weights")


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"medzoo.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'medzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
