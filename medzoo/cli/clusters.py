"""`medzoo clusters`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from medzoo.cli.parser import DATA, RECIPE, add_command

if TYPE_CHECKING:
    import numpy as np

    from medzoo.data import Samples
    from medzoo.features.clusters import Clusters

STATISTICS = ("mean", "std")


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add `medzoo clusters`."""
    command = add_command(commands, "clusters", _clusters, "Group alike images by k-means.")
    command.add_argument("data", metavar="DATA", help=DATA)
    command.add_argument("--recipe", required=True, help=f"{RECIPE}, for its preprocessing")
    command.add_argument("--of", choices=("intensity", "features"), default="intensity", help="default: intensity")
    command.add_argument("--count", type=int, help="number of clusters (default: that of the best silhouette)")
    command.add_argument("-o", "--output", required=True, help="folder for clusters.csv, clusters.json and figures")


def _clusters(options: argparse.Namespace) -> None:
    from medzoo.data import read
    from medzoo.features.clusters import cluster

    samples = read(options.data)
    values = _values(options, samples)
    found = cluster(values, options.count)
    print("\n".join(_tables(found, samples)))
    for path in _save(found, samples, values, options):
        print(f"-> {path}")
    wanted = f'"clusters": {{"of": "{options.of}", "count": {found.count}}}'
    print(f"In the builder of a classifier's or regressor's recipe, the cluster is an input of the network: {wanted}")


def _values(options: argparse.Namespace, samples: Samples) -> np.ndarray:
    """Return what the cases are grouped by, one row each."""
    from medzoo.cli.parts import load_recipe
    from medzoo.features.clusters import intensities, pooled_features, without_clusters
    from medzoo.features.extract import extract
    from medzoo.training.train import fit_recipe
    from medzoo.zoo.load import load

    if options.of == "features" and not options.recipe.endswith(".json"):
        return extract(load(options.recipe), samples).values
    recipe = fit_recipe(without_clusters(load_recipe(options.recipe)), samples)
    if options.of == "features":
        return pooled_features(samples, recipe)
    return intensities(samples, recipe.preprocessing, recipe.task)


def _tables(found: Clusters, samples: Samples) -> list[str]:
    from medzoo.evaluation.tables import align, number

    rows = [("clusters", "inertia", "silhouette", "")]
    for count, inertia in found.inertia.items():
        chosen = "chosen" if count == found.count else ""
        rows.append((str(count), number(inertia), number(found.silhouette[count]), chosen))
    table = _crosstab(found, samples)
    names = [name for name in table[0] if name != "cluster"]
    return [*align(rows), "", *align([("cluster", *names), *(tuple(map(str, row.values())) for row in table)])]


def _crosstab(found: Clusters, samples: Samples) -> list[dict[str, int]]:
    """Return the cases of each cluster, in all and by class where there are classes."""
    from medzoo.features.clusters import crosstab

    sizes = crosstab(found.labels, [0] * len(samples), 1)[:, 0].tolist()
    rows = [{"cluster": number, "cases": size} for number, size in enumerate(sizes)]
    if not samples.task_type.is_categorical:
        return rows
    counts = crosstab(found.labels, samples.targets, len(samples.labels)).tolist()
    return [row | dict(zip(samples.labels, of_class, strict=True)) for row, of_class in zip(rows, counts, strict=True)]


def _save(found: Clusters, samples: Samples, values: np.ndarray, options: argparse.Namespace) -> Iterator[Path]:
    from medzoo.evaluation.plots.clusters import elbow_figure, scatter_figure, silhouette_figure
    from medzoo.evaluation.plots.common import save_figure
    from medzoo.files import write_json, write_rows

    folder, of_intensity = Path(options.output), options.of == "intensity"
    write_rows(folder / "clusters.csv", _cases(found, samples, values if of_intensity else None))
    record = {"of": options.of, **found.to_json(), "inertia": found.inertia, "silhouette": found.silhouette}
    write_json(folder / "clusters.json", {**record, "cases": _crosstab(found, samples)})
    yield from (folder / "clusters.csv", folder / "clusters.json")
    names = ("Mean of the pixels", "Standard deviation of the pixels") if of_intensity else None
    yield save_figure(elbow_figure(found), folder / "elbow.png")
    yield save_figure(silhouette_figure(found), folder / "silhouette.png")
    yield save_figure(scatter_figure(found, values, names), folder / "scatter.png")


def _cases(found: Clusters, samples: Samples, statistics: np.ndarray | None) -> Iterator[dict[str, object]]:
    columns = zip(samples.sources, found.labels.tolist(), samples.splits, samples.targets, strict=True)
    for row, (source, number, split, target) in enumerate(columns):
        case = {"case": source, "cluster": number, "split": split}
        if samples.task_type.is_categorical:
            case["label"] = samples.labels[target]
        yield case if statistics is None else case | dict(zip(STATISTICS, statistics[row].tolist(), strict=True))
