"""`medzoo clusters`."""

from __future__ import annotations

import argparse

from medzoo.cli.parser import DATA, RECIPE, add_command


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo clusters`."""
    command = add_command(commands, "clusters", _clusters, "Group alike images by k-means.")
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--recipe", required=True, help=f"{RECIPE}, for its preprocessing")
    command.add_argument("--of", choices=("intensity", "features"), default="intensity", help="default: intensity")
    command.add_argument("--count", type=int, help="number of clusters (default: that of the best silhouette)")
    command.add_argument("-o", "--output", required=True, help="folder for clusters.csv, clusters.json and figures")


def _clusters(options: argparse.Namespace) -> None:
    from medzoo.cli.parts import load_recipe
    from medzoo.data import read
    from medzoo.training.clusters import cluster_images
    from medzoo.zoo.load import load

    samples = read(options.data)
    # Features are those of a model's own weights where there are some.
    is_model = options.of == "features" and not options.recipe.endswith(".json")
    network = load(options.recipe) if is_model else load_recipe(options.recipe)
    groups = cluster_images(samples, network, options.of, options.count)
    print(groups)
    for path in groups.save(options.output):
        print(f"-> {path}")
    wanted = f'"clusters": {{"of": "{options.of}", "count": {groups.clusters.count}}}'
    print(f"In the builder of a classifier's or regressor's recipe, the cluster is an input of the network: {wanted}")
