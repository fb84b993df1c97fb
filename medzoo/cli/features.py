"""`medzoo features`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medzoo.cli.parser import DATA, add_command

if TYPE_CHECKING:
    from medzoo.data import Samples
    from medzoo.recipe import Recipe

ALL = "svr,xgboost,random_forest,elastic_net"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo features`."""
    command = add_command(
        commands, "features", _features, "Fit estimators on a network's features; run again after a kill to go on."
    )
    command.add_argument("model", metavar="RECIPE_OR_MODEL", help="a recipe.json to train first, or a model by name")
    command.add_argument("--data", required=True, help=f"{DATA}; with a test part, if the recipe's split makes none")
    command.add_argument("-o", "--output", required=True, help="folder for features, tables, figures and the best")
    command.add_argument("--estimators", default=ALL, help=f"some of {ALL} (default: all)")
    command.add_argument(
        "--layer", help='name of a layer, or such as "stride_32" (default: what the last dense layer is given)'
    )
    command.add_argument("--data-name", help="name of the data set for the record")


def _features(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.estimators.table import estimator_names

    names = estimator_names([name for name in options.estimators.split(",") if name])
    run, samples = Path(options.output), read(options.data)

    from medzoo.evaluation.comparison.estimators import compare_estimators
    from medzoo.zoo.save import save

    model, known, test = _prepare(options.model, samples, run)
    table, best = compare_estimators(model, known, test, run, names, options.layer, options.data_name)
    print(f"{table}\n\nTables: {run / 'estimators.json'}, {run / 'estimators.csv'}; figures: {run / 'figures'}")
    print(f"Best estimator: {save(best, run / 'best')}")


def _prepare(name: str, samples: Samples, run: Path) -> tuple[Any, Samples, Samples]:
    """Return the network, trained first where only its recipe is given, and what to fit and to score on."""
    from medzoo.cli.parts import load_recipe
    from medzoo.training.data import parts
    from medzoo.zoo.load import load

    recipe = load_recipe(name)
    test = _test_part(samples, recipe)
    training, validation = parts(samples, recipe)
    model = load(_trained(recipe, samples, run / "cnn") if Path(name).suffix == ".json" else name)
    return model, training + validation, test


def _test_part(samples: Samples, recipe: Recipe) -> Samples:
    from medzoo.training.data import divide

    divided = divide(samples, recipe)
    if "test" not in divided.splits:
        raise ValueError(
            "The table needs test cases that neither the network nor an estimator learns from; the data has none. Set "
            '"test": 0.2 in the split of the recipe, or cut the data first: medzoo split DATA --test 0.2 -o split.csv, '
            "then --data DATA:split_file=split.csv"
        )
    return divided.part("test")


def _trained(recipe: Recipe, samples: Samples, run: Path) -> Path:
    from medzoo.entry import MANIFEST
    from medzoo.training.train import train
    from medzoo.zoo.save import save

    model = train(recipe, samples, run)
    folder = run / "model"
    # The features are those of the entry as it was written, so that the estimators fit what is saved.
    return folder if (folder / MANIFEST).is_file() else save(model, folder, history=run / "history.csv")
