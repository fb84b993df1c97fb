"""Clusters of similar images by k-means over intensities or deep features, and clusters as an input of a network."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medzoo.data import Samples
from medzoo.data.feed.reader import read_rows
from medzoo.models.clusters import check_clusters
from medzoo.preprocessing import Preprocessing
from medzoo.progress import track
from medzoo.recipe import Recipe
from medzoo.task import Task

COUNTS = tuple(range(2, 9))
# The silhouette compares all pairs of cases; if there are more cases, this many are drawn.
_MOST_CASES = 5000


@dataclass(frozen=True)
class Clusters:
    """Centers of k-means, and the scores by which their number was chosen.

    Args:
        mean: Mean of each value over the cases, `(values,)`.
        std: Standard deviation of each value; 1 where all cases are equal.
        centers: `(count, values)` in these deviations, ordered by their first value.
        labels: Cluster of each case, `(cases,)`.
        inertia: Sum of squared distances to the nearest center, in deviations, by number of clusters (elbow).
        silhouette: Mean silhouette by number of clusters: 1 for groups far apart, 0 for none.
    """

    mean: np.ndarray
    std: np.ndarray
    centers: np.ndarray
    labels: np.ndarray
    inertia: dict[int, float]
    silhouette: dict[int, float]

    @property
    def count(self) -> int:
        """Number of clusters."""
        return len(self.centers)

    def assign(self, values: np.ndarray) -> np.ndarray:
        """Return the cluster of each row of `values`, `(cases, values)`: that of the nearest center."""
        away = ((np.asarray(values, np.float64) - self.mean) / self.std)[:, None] - self.centers
        return (away**2).sum(axis=-1).argmin(axis=-1)

    def to_json(self) -> dict[str, Any]:
        """Return the fields that the `clusters` of a builder take."""
        fitted = {name: getattr(self, name).tolist() for name in ("mean", "std", "centers")}
        return {"count": self.count, **fitted}


def cluster(values: np.ndarray, count: int | None = None, counts: Sequence[int] = COUNTS, seed: int = 0) -> Clusters:
    """Group cases by k-means of their standardised values.

    Args:
        values: `(cases, values)`.
        count: Number of clusters; None for the one of `counts` with the best silhouette.
        counts: Numbers of clusters to compare; numbers too large for the cases are left out.
        seed: Seed of the first centers.

    Raises:
        ValueError: There are fewer than three different cases, or fewer than clusters.

    Example:
        >>> cluster(np.array([[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]])).labels
        array([0, 0, 1, 1, 2, 2])

    Source: Rousseeuw, "Silhouettes", 1987.
    """
    from sklearn.cluster import KMeans

    values = np.asarray(values, np.float64)
    mean, std = values.mean(axis=0), values.std(axis=0)
    # Values that differ by rounding only, such as the means of images that are normalised one by one.
    is_constant = std <= 1e-5 * np.abs(values).max()
    std[is_constant] = 1.0
    scaled = np.where(is_constant, 0.0, (values - mean) / std)
    fitted = {
        number: KMeans(number, n_init=10, random_state=seed).fit(scaled) for number in _possible(scaled, count, counts)
    }
    silhouette = {number: _silhouette(scaled, model.labels_, seed) for number, model in fitted.items()}
    centers = fitted[count or max(silhouette, key=lambda number: silhouette[number])].cluster_centers_
    inertia = {number: float(model.inertia_) for number, model in fitted.items()}
    clusters = Clusters(mean, std, centers[np.argsort(centers[:, 0])], np.empty(0, int), inertia, silhouette)
    return replace(clusters, labels=clusters.assign(values))


def crosstab(labels: np.ndarray, targets: Sequence[int], classes: int) -> np.ndarray:
    """Count the cases of each cluster (row) and class (column).

    Example:
        >>> crosstab(np.array([0, 0, 1]), [1, 1, 0], 2)
        array([[0, 2],
               [1, 0]])
    """
    counts = np.zeros((int(labels.max()) + 1, classes), int)
    np.add.at(counts, (labels, np.asarray(targets)), 1)
    return counts


def _possible(values: np.ndarray, count: int | None, counts: Sequence[int]) -> list[int]:
    different = len(np.unique(values, axis=0))
    # The silhouette needs a cluster of two cases.
    most = min(different, len(values) - 1)
    if most < max(count or 2, 2):
        raise ValueError(
            f"k-means needs more different cases than clusters. Received: {len(values)} cases, {different} of them "
            f"different, for {count or 2} clusters. Give more cases, or fewer clusters. A preprocessing that "
            "normalises each image by itself makes intensities equal: use another one, or group by features."
        )
    return sorted({number for number in (*counts, count or 2) if number <= most})


def _silhouette(values: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    drawn = _MOST_CASES if len(values) > _MOST_CASES else None
    return float(silhouette_score(values, labels, sample_size=drawn, random_state=seed))


def intensities(samples: Samples, preprocessing: Preprocessing, task: Task) -> np.ndarray:
    """Return the mean and the standard deviation of the pixels of each case, `(cases, 2)`, as the network sees them.

    Args:
        samples: The cases. A case of several inputs has the means over these.
        preprocessing: Steps from a file to the network's input.
        task: What the samples are for.

    Raises:
        ValueError: A file cannot be read, or does not fit.
    """

    def statistics(index: int) -> np.ndarray:
        inputs = (pixels for pixels, _ in read_rows(samples, index, preprocessing, task))
        return np.mean([(pixels.mean(dtype=float), pixels.std(dtype=float)) for pixels in inputs], axis=0)

    with ThreadPoolExecutor() as pool:
        rows = pool.map(statistics, range(len(samples)))
        return np.array(list(track(rows, "Measuring intensities", len(samples))))


def pooled_features(samples: Samples, recipe: Recipe) -> np.ndarray:
    """Return the pooled features `(cases, values)` that the recipe's encoder gives before any training."""
    import keras

    from medzoo.features.extract import extract
    from medzoo.zoo_model import ZooModel

    # The weights that a training by this recipe begins with, also where they are random ones.
    keras.utils.set_random_seed(recipe.seed)
    model = ZooModel.from_recipe(without_clusters(recipe), pretrained=True)
    return extract(model, samples, layer="head_pool").values


def fit_clusters(recipe: Recipe, samples: Samples) -> Recipe:
    """Measure the clusters that the recipe's builder wants as an input of the network.

    Args:
        recipe: Its builder may hold `"clusters": {"of": "intensity", "count": 4}`; without "count" the silhouette
            chooses. Clusters "of" "features" need an encoder that stays frozen as a whole. Task and preprocessing are
            fitted already.
        samples: The training part.

    Returns:
        The recipe with the centers; the same one if it asks for no clusters, or has their centers.

    Raises:
        ValueError: The clusters have an unknown field, the encoder is trained, or all images are alike.

    Example:
        >>> fit_clusters(recipe, train).builder["clusters"]["centers"]
        [[-0.9, -0.8], [1.1, 0.9]]
    """
    settings = recipe.builder.get("clusters")
    if settings is None or settings.get("centers") is not None:
        return recipe
    check_clusters(settings)
    if settings["of"] == "features":
        _check_frozen(recipe)
        values = pooled_features(samples, recipe)
    else:
        values = intensities(samples, recipe.preprocessing, recipe.task)
    clusters = cluster(values, settings.get("count"), seed=recipe.seed)
    return replace(recipe, builder={**recipe.builder, "clusters": {"of": settings["of"], **clusters.to_json()}})


def without_clusters(recipe: Recipe) -> Recipe:
    """Return the recipe of the same network without clusters as an input."""
    return replace(recipe, builder={name: value for name, value in recipe.builder.items() if name != "clusters"})


def _check_frozen(recipe: Recipe) -> None:
    freezing = recipe.freezing
    if freezing is None or freezing["name"] != "frozen" or freezing.get("until") is not None:
        raise ValueError(
            'Clusters of features need an encoder that stays as it is: set freezing={"name": "frozen"} in the recipe, '
            f'or clusters={{"of": "intensity"}} in its builder. Received: freezing={recipe.freezing}.'
        )
