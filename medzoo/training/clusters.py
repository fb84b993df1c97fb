"""Clusters of similar images in a data set, by their intensities or by the features of a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.data import Samples
from medzoo.errors import unknown_name
from medzoo.evaluation.tables import align, number
from medzoo.features.clusters import Clusters, cluster, crosstab, intensities, pooled_features, without_clusters
from medzoo.features.extract import extract
from medzoo.files import write_json, write_rows
from medzoo.recipe import Recipe
from medzoo.training.train import fit_recipe
from medzoo.zoo.load import load_network, load_recipe
from medzoo.zoo_model import ZooModel

KINDS = ("intensity", "features")
STATISTICS = ("mean", "std")
_AXES = ("Mean of the pixels", "Standard deviation of the pixels")


@dataclass(frozen=True, eq=False)
class ImageClusters:
    """The images of a data set in clusters; as text the number of clusters, and the cases of each.

    Args:
        samples: The data set.
        of: What the images are grouped by: "intensity" or "features".
        values: Intensities or features `(cases, values)`; the former are mean and standard deviation of the pixels.
        clusters: The clusters.
    """

    samples: Samples
    of: str
    values: np.ndarray
    clusters: Clusters

    def __str__(self) -> str:
        clusters = self.clusters
        rows = [
            (str(count), number(inertia), number(clusters.silhouette[count]), "chosen" * (count == clusters.count))
            for count, inertia in clusters.inertia.items()
        ]
        sizes = self.sizes()
        cases = [tuple(sizes[0]), *(tuple(map(str, row.values())) for row in sizes)]
        return "\n".join([*align([("clusters", "inertia", "silhouette", ""), *rows]), "", *align(cases)])

    def sizes(self) -> list[dict[str, int]]:
        """Return the number of cases of each cluster, and by class if there are classes."""
        labels, samples = self.clusters.labels, self.samples
        cases = crosstab(labels, [0] * len(samples), 1)[:, 0].tolist()
        rows = [{"cluster": index, "cases": count} for index, count in enumerate(cases)]
        if not samples.task_type.is_categorical:
            return rows
        counts = crosstab(labels, samples.targets, len(samples.labels)).tolist()
        return [row | dict(zip(samples.labels, cells, strict=True)) for row, cells in zip(rows, counts, strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Return the centers, the scores by which their number was chosen, and the cases of each cluster."""
        scores = {"inertia": self.clusters.inertia, "silhouette": self.clusters.silhouette}
        return {"of": self.of, **self.clusters.to_json(), **scores, "cases": self.sizes()}

    def save(self, folder: str | os.PathLike) -> list[Path]:
        """Write `clusters.csv` with a row for each case, `clusters.json` and figures, and return their paths."""
        from medzoo.evaluation.plots.clusters import elbow_figure, scatter_figure, silhouette_figure
        from medzoo.evaluation.plots.common import save_figure

        table, record = (Path(folder) / f"clusters.{suffix}" for suffix in ("csv", "json"))
        write_rows(table, list(self._rows()))
        write_json(record, self.to_json())
        figures = {
            "elbow": elbow_figure(self.clusters),
            "silhouette": silhouette_figure(self.clusters),
            "scatter": scatter_figure(self.clusters, self.values, _AXES if self.of == "intensity" else None),
        }
        return [table, record, *(save_figure(figure, table.parent / f"{name}.png") for name, figure in figures.items())]

    def _rows(self) -> Iterator[dict[str, Any]]:
        samples = self.samples
        columns = zip(samples.sources, self.clusters.labels.tolist(), samples.splits, samples.targets, strict=True)
        for (source, index, split, target), values in zip(columns, self.values.tolist(), strict=True):
            row = {"case": source, "cluster": index, "split": split}
            if samples.task_type.is_categorical:
                row["label"] = samples.labels[target]
            yield row | dict(zip(STATISTICS, values, strict=True)) if self.of == "intensity" else row


def cluster_images(
    samples: Samples,
    network: Recipe | ZooModel | str | os.PathLike,
    of: str = "intensity",
    count: int | None = None,
) -> ImageClusters:
    """Group similar images by k-means.

    Args:
        samples: The images.
        network: A recipe, for its preprocessing and the encoder that its training begins with; or a model, for what it
            has learned; or a recipe.json or a model by its name.
        of: What to group by: "intensity", the mean and the standard deviation of the pixels, or "features".
        count: Number of clusters; None for the number with the best silhouette.

    Raises:
        ValueError: `of` is unknown, an image cannot be read, or there are fewer different images than clusters.

    Example:
        >>> groups = cluster_images(medzoo.data.read("brain_tumor_coco"), recipe)
        >>> groups.save("clusters")
    """
    if of not in KINDS:
        raise unknown_name("kind of clusters", of, KINDS)
    if isinstance(network, str | os.PathLike):
        network = _named(network, of)
    values = _values(samples, network, of)
    return ImageClusters(samples, of, values, cluster(values, count))


def _named(name: str | os.PathLike, of: str) -> Recipe | ZooModel:
    # Features are those of a model's own weights where there are some; for intensities its recipe is enough.
    is_model = of == "features" and Path(name).suffix != ".json"
    return load_network(name) if is_model else load_recipe(name)


def _values(samples: Samples, network: Recipe | ZooModel, of: str) -> np.ndarray:
    """Return the values that the images are grouped by, a row for each."""
    if of == "features" and isinstance(network, ZooModel):
        return extract(network, samples).values
    recipe = network.recipe if isinstance(network, ZooModel) else network
    recipe = fit_recipe(without_clusters(recipe), samples)
    if of == "features":
        return pooled_features(samples, recipe)
    return intensities(samples, recipe.preprocessing, recipe.task)
