"""Commands on the features of a network: features, clusters."""

from __future__ import annotations

import argparse
from pathlib import Path

from medzoo.cli.parser import DATA, RECIPE, add_command

ALL = "svr,xgboost,random_forest,elastic_net"


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands."""
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

    command = add_command(commands, "clusters", _clusters, "Group alike images by k-means.")
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--recipe", required=True, help=f"{RECIPE}, for its preprocessing")
    command.add_argument("--of", choices=("intensity", "features"), default="intensity", help="default: intensity")
    command.add_argument("--count", type=int, help="number of clusters (default: that of the best silhouette)")
    command.add_argument("-o", "--output", required=True, help="folder for clusters.csv, clusters.json and figures")


def _features(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.estimators.table import estimator_names

    names = estimator_names([name for name in options.estimators.split(",") if name])
    run, samples = Path(options.output), read(options.data)

    from medzoo.training.estimators import fit_estimators

    fitted = fit_estimators(options.model, samples, run, names, options.layer, options.data_name)
    print(f"{fitted.table}\n\nTables: {run / 'estimators.json'}, {run / 'estimators.csv'}; figures: {run / 'figures'}")
    print(f"Best estimator: {fitted.best}")


def _clusters(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.training.clusters import cluster_images

    groups = cluster_images(read(options.data), options.recipe, options.of, options.count)
    print(groups)
    for path in groups.save(options.output):
        print(f"-> {path}")
    field = f'"clusters": {{"of": "{options.of}", "count": {groups.clusters.count}}}'
    print(f"In the builder of a classifier's or regressor's recipe, the cluster is an input of the network: {field}")
