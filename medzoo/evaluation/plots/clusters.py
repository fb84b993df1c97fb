"""Figures of clusters: how many there are, and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medzoo.evaluation.plots.common import COLOURS, add_legend, count_along, single_panel
from medzoo.features.clusters import Clusters

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def elbow_figure(clusters: Clusters) -> Figure:
    """Draw the inertia over the number of clusters; beyond its bend more clusters explain little more."""
    return _by_count("Elbow", "Inertia (squared deviations)", clusters.inertia, clusters.count)


def silhouette_figure(clusters: Clusters) -> Figure:
    """Draw the mean silhouette over the number of clusters; the groups are clearest where it is highest."""
    return _by_count("Silhouette", "Mean silhouette", clusters.silhouette, clusters.count)


def scatter_figure(clusters: Clusters, values: np.ndarray, names: Sequence[str] | None = None) -> Figure:
    """Draw the cases in the colours of their clusters, and the centers.

    Args:
        clusters: The clusters of the cases.
        values: `(cases, values)`; of more than two values the first two principal components are drawn.
        names: Names of the two values; None for principal components.
    """
    scaled = (values - clusters.mean) / clusters.std
    if scaled.shape[1] > 2:
        points, centers = _components(scaled, clusters.centers)
    else:
        points, centers = values, clusters.centers * clusters.std + clusters.mean
    x, y = names or ("First component", "Second component")
    figure, axes = single_panel(f"{clusters.count} clusters of {len(values)} cases", xlabel=x, ylabel=y)
    for number in range(clusters.count):
        rows = points[clusters.labels == number]
        colour = COLOURS[number % len(COLOURS)]
        label = f"cluster {number}: {len(rows)}"
        axes.scatter(rows[:, 0], rows[:, 1], s=14, color=colour, alpha=0.6, linewidths=0, label=label)
    axes.scatter(centers[:, 0], centers[:, 1], s=90, color="black", marker="x")
    add_legend(axes)
    return figure


def _by_count(title: str, ylabel: str, values: dict[int, float], count: int) -> Figure:
    figure, axes = single_panel(title, xlabel="Number of clusters", ylabel=ylabel)
    axes.plot(list(values), list(values.values()), color=COLOURS[0], marker="o")
    axes.axvline(count, color="0.4", linestyle="--", linewidth=1, label=f"chosen: {count}")
    count_along(axes.xaxis)
    add_legend(axes)
    return figure


def _components(values: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.decomposition import PCA

    components = PCA(2, random_state=0).fit(values)
    return components.transform(values), components.transform(centers)
