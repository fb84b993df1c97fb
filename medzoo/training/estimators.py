"""From a recipe or a model to the best estimator on its features: what `medzoo features` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from medzoo.entry import MANIFEST
from medzoo.estimators.table import ESTIMATORS, estimator_names
from medzoo.evaluation.comparison.estimator_table import EstimatorTable
from medzoo.evaluation.comparison.estimators import compare_estimators
from medzoo.recipe import Recipe
from medzoo.training.data import divide, parts
from medzoo.training.history import HISTORY
from medzoo.training.train import train
from medzoo.zoo.load import load_network, load_recipe
from medzoo.zoo.save import save

if TYPE_CHECKING:
    from medzoo.data import Samples


class FittedEstimators(NamedTuple):
    """The table of the estimators, and the folder of the zoo entry of the best one."""

    table: EstimatorTable
    best: Path


def fit_estimators(
    name: str | os.PathLike,
    samples: Samples,
    run: str | os.PathLike,
    names: Sequence[str] = tuple(ESTIMATORS),
    layer: str | int | None = None,
    data_name: str | None = None,
) -> FittedEstimators:
    """Fit estimators on the features of a network, and save the best one; called again after a kill, it goes on.

    Args:
        name: A recipe.json, by which the network is trained first, in the folder `cnn` of the run; or a model by its
            name, whose recipe divides data without splits.
        samples: Cases to fit on, and a test part that neither the network nor an estimator learns from.
        run: Folder for the features, tables and figures, and the entry `best`.
        names: Names of estimators.
        layer: Layer whose features are taken, as in `medzoo.features.extract`.
        data_name: Name of the data set for the records.

    Raises:
        ValueError: There is no test part, or as of `compare_estimators`.

    Example:
        >>> table, best = fit_estimators("brain-density.json", samples, "runs/density", ["svr", "elastic_net"])
        >>> medzoo.load(best)
    """
    names, run = estimator_names(names), Path(run)
    recipe = load_recipe(name)
    divided = divide(samples, recipe)
    if "test" not in divided.splits:
        raise ValueError(
            "The table needs test cases that neither the network nor an estimator learns from; the data has none. Set "
            '"test": 0.2 in the split of the recipe, or cut the data first: medzoo split DATA --test 0.2 -o split.csv, '
            "then --data DATA:split_file=split.csv"
        )
    training, validation = parts(samples, recipe)
    model = load_network(_trained(recipe, samples, run / "cnn") if Path(name).suffix == ".json" else name)
    compared = compare_estimators(model, training + validation, divided.part("test"), run, names, layer, data_name)
    return FittedEstimators(compared.table, save(compared.best, run / "best"))


def _trained(recipe: Recipe, samples: Samples, run: Path) -> Path:
    model = train(recipe, samples, run)
    folder = run / "model"
    # The features are those of the entry as it was written, so that the estimators fit what is saved.
    return folder if (folder / MANIFEST).is_file() else save(model, folder, history=run / HISTORY)
