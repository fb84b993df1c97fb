"""Groups of alike images by their intensities or deep features, and as an input of a network."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from medzoo.data import Samples
from medzoo.data.rows import read_rows
from medzoo.features.kmeans import cluster
from medzoo.models.clusters import check_clusters
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Task


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
        return np.array(list(_progress(pool.map(statistics, range(len(samples))), len(samples))))


def pooled_features(samples: Samples, recipe: Recipe) -> np.ndarray:
    """Return what the recipe's encoder says of each case before any training, pooled, `(cases, values)`."""
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
        The recipe with the centers; the same one where it wants no clusters, or has them.

    Raises:
        ValueError: The clusters have an unknown field, the encoder is trained, or all images are alike.

    Example:
        >>> fit_clusters(recipe, train).builder["clusters"]["centers"]
        [[-0.9, -0.8], [1.1, 0.9]]
    """
    wanted = recipe.builder.get("clusters")
    if wanted is None or wanted.get("centers") is not None:
        return recipe
    check_clusters(wanted)
    if wanted["of"] == "features":
        _check_frozen(recipe)
        values = pooled_features(samples, recipe)
    else:
        values = intensities(samples, recipe.preprocessing, recipe.task)
    found = cluster(values, wanted.get("count"), seed=recipe.seed)
    return replace(recipe, builder={**recipe.builder, "clusters": {"of": wanted["of"], **found.to_json()}})


def without_clusters(recipe: Recipe) -> Recipe:
    """Return the recipe of the same network without clusters as an input."""
    return replace(recipe, builder={name: value for name, value in recipe.builder.items() if name != "clusters"})


def _check_frozen(recipe: Recipe) -> None:
    freezing = recipe.freezing or {}
    if freezing.get("name") != "frozen" or freezing.get("until") is not None:
        raise ValueError(
            'Clusters of features need an encoder that stays as it is: set freezing={"name": "frozen"} in the recipe, '
            f'or clusters={{"of": "intensity"}} in its builder. Received: freezing={recipe.freezing}.'
        )


def _progress(values: Iterable[Any], total: int) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    return track(values, "Measuring intensities", total=total, console=Console(stderr=True), transient=True)
