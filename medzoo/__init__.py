"""A Keras 3 model zoo for medical images.

Public names are imported on first use, so `import medzoo` loads neither Keras nor a backend.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medzoo import data, models, weights
    from medzoo.evaluation.calibrate import calibrate
    from medzoo.evaluation.comparison.compare import compare
    from medzoo.evaluation.comparison.record import Comparison
    from medzoo.evaluation.estimators import compare_estimators
    from medzoo.evaluation.evaluate import evaluate
    from medzoo.evaluation.gradcam.explain import explain
    from medzoo.evaluation.gradcam.explanation import Explanation
    from medzoo.evaluation.record import Evaluation
    from medzoo.hub.checkpoints.pull import pull_run
    from medzoo.hub.checkpoints.push import PushCheckpoints
    from medzoo.hub.listing.models import list_models
    from medzoo.hub.load import load
    from medzoo.hub.predict import predict
    from medzoo.hub.publishing.publish import publish
    from medzoo.hub.save import save
    from medzoo.io import Scan, read_scan
    from medzoo.preprocessing import Preprocessing
    from medzoo.recipe import Recipe
    from medzoo.stack import Stack
    from medzoo.task import Classification, Regression, Segmentation
    from medzoo.training.cross_validation.record import CrossValidation
    from medzoo.training.cross_validation.run import cross_validate
    from medzoo.training.freezing import freeze, stages, unfreeze
    from medzoo.training.search.run import learning_curve, search
    from medzoo.training.train import train
    from medzoo.zoo_model import ZooModel

__version__ = "0.1.0"

_HOMES = {
    "Classification": "medzoo.task",
    "Comparison": "medzoo.evaluation.comparison.record",
    "CrossValidation": "medzoo.training.cross_validation.record",
    "Evaluation": "medzoo.evaluation.record",
    "Explanation": "medzoo.evaluation.gradcam.explanation",
    "Preprocessing": "medzoo.preprocessing",
    "PushCheckpoints": "medzoo.hub.checkpoints.push",
    "Recipe": "medzoo.recipe",
    "Regression": "medzoo.task",
    "Scan": "medzoo.io",
    "Segmentation": "medzoo.task",
    "Stack": "medzoo.stack",
    "ZooModel": "medzoo.zoo_model",
    "calibrate": "medzoo.evaluation.calibrate",
    "compare": "medzoo.evaluation.comparison.compare",
    "compare_estimators": "medzoo.evaluation.estimators",
    "cross_validate": "medzoo.training.cross_validation.run",
    "evaluate": "medzoo.evaluation.evaluate",
    "explain": "medzoo.evaluation.gradcam.explain",
    "freeze": "medzoo.training.freezing",
    "learning_curve": "medzoo.training.search.run",
    "list_models": "medzoo.hub.listing.models",
    "load": "medzoo.hub.load",
    "predict": "medzoo.hub.predict",
    "publish": "medzoo.hub.publishing.publish",
    "pull_run": "medzoo.hub.checkpoints.pull",
    "read_scan": "medzoo.io",
    "save": "medzoo.hub.save",
    "search": "medzoo.training.search.run",
    "stages": "medzoo.training.freezing",
    "train": "medzoo.training.train",
    "unfreeze": "medzoo.training.freezing",
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
