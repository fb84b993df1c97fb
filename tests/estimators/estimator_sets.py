"""Small grids, and a data set whose target shows in its pictures."""

from dataclasses import replace

import numpy as np

from medzoo.data import from_arrays
from medzoo.estimators.table import ESTIMATORS
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Regression

GRIDS = {
    "svr": {"C": [1]},
    "xgboost": {"n_estimators": [3]},
    "random_forest": {"n_estimators": [3]},
    "elastic_net": {"l1_ratio": [0.5]},
}
TASKS = {
    "regression": Regression("size", "mm", mean=5.0, std=2.0),
    "two labels": Classification(("small", "large")),
    "three labels": Classification(("small", "middle", "large")),
}


def shrink_grids(monkeypatch):
    """Let every estimator have one choice of parameters, and forests few trees."""
    for name, grid in GRIDS.items():
        for kind, row in ESTIMATORS[name].items():
            monkeypatch.setitem(ESTIMATORS[name], kind, row._replace(grid=grid))


def make_recipe(recipe, task):
    """Return a recipe of a tiny network for pictures of 16 x 16 pixels."""
    builder = {"name": "classifier", "encoder": {"name": "residual", "filters": [3, 5]}}
    return replace(recipe, name="tiny", task=task, preprocessing=Preprocessing((16, 16)), builder=builder)


def make_samples(task, count=24, seed=0):
    """Return pictures with a bright bar as long as their target, two of each patient, a quarter of them for testing."""
    generator = np.random.default_rng(seed)
    lengths = generator.permutation(np.arange(count) % 9)
    images = generator.uniform(0, 0.3, (count, 16, 16)).astype(np.float32)
    for image, length in zip(images, lengths, strict=True):
        image[2:5, 2 : 3 + length] += 0.7
    classes = len(task.labels)
    targets = (lengths + 0.5).tolist() if task.name == "regression" else (lengths * classes // 9).tolist()
    labels = task.target if task.name == "regression" else list(task.labels)
    patients = [f"p{row // 2}" for row in range(count)]
    splits = ["test" if row < count // 4 else "valid" if row < count // 3 else "train" for row in range(count)]
    return from_arrays(images, targets, labels=labels, patients=patients, splits=splits)
