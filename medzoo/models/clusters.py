"""The cluster that an image belongs to, as a feature that the network computes from the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import KerasTensor, layers

from medzoo.errors import refuse_unknown, unknown_name

FIELDS = ("of", "count", "mean", "std", "centers")
KINDS = ("intensity", "features")

# Factor in front of the softmax that chooses the nearest center: one that is nearer by a millionth gets all the weight.
_STEEPNESS = 1e6
# Statistics of all pixels and distances must not be rounded to half precision.
_EXACT = "float32"


def append_cluster(x: KerasTensor, image: KerasTensor, clusters: Mapping[str, Any]) -> KerasTensor:
    """Append the cluster of each image to its pooled features, as one number a cluster, of which one is 1.

    The cluster is that of the nearest center, and comes from the image that the network sees: prediction, ONNX and
    heat maps need no second input, and an augmented image may belong to another cluster. All layers are stock ones
    without weights.

    Args:
        x: Pooled features `(batch, width)`.
        image: Input of the network, `(batch, [depth,] height, width, channels)`.
        clusters: `of`: `"intensity"` for the mean and the standard deviation of the image's pixels, `"features"` for
            `x`; `mean` and `std` of each of these values in the training images; `centers`, a list of values for each
            cluster, in such deviations. `medzoo.features.clusters.fit_clusters` measures them; `count` is its own.

    Returns:
        Features `(batch, width + clusters)`.

    Raises:
        ValueError: A field is unknown, the centers are missing, or they are not of the features' width.

    Source: MacQueen, "Some methods for classification and analysis of multivariate observations", 1967, for k-means.
    """
    check_clusters(clusters)
    values = _intensity(image) if clusters["of"] == "intensity" else x
    return layers.Concatenate(name="head_clusters")([x, _nearest(values, **_fitted(clusters, values.shape[-1]))])


def check_clusters(clusters: Mapping[str, Any]) -> None:
    """Refuse clusters with an unknown field, kind or count.

    Raises:
        ValueError: There is one; near matches are in the message.
    """
    refuse_unknown("field of the clusters", clusters, FIELDS)
    if clusters.get("of") not in KINDS:
        raise unknown_name("kind of clusters", clusters.get("of"), KINDS, 'Set "of" in the builder\'s clusters.')
    count = clusters.get("count")
    if count is not None and (not isinstance(count, int) or count < 2):
        raise ValueError(f'"count" of the builder\'s clusters must be a whole number above 1. Received: {count!r}.')


def _fitted(clusters: Mapping[str, Any], width: int | None) -> dict[str, list]:
    missing = [name for name in ("mean", "std", "centers") if clusters.get(name) is None]
    if missing:
        raise ValueError(
            f"The builder's clusters were not fitted yet, {', '.join(missing)} are missing. medzoo.train measures them "
            "on its training images; or call medzoo.features.clusters.fit_clusters(recipe, samples)."
        )
    fitted = {name: clusters[name] for name in ("mean", "std", "centers")}
    widths = {len(fitted["mean"]), len(fitted["std"]), *map(len, fitted["centers"])}
    if widths != {width} or len(fitted["centers"]) != clusters.get("count", len(fitted["centers"])):
        raise ValueError(
            f"The builder's clusters must be {clusters.get('count')} centers of {width} values. Received: "
            f"{len(fitted['centers'])} of {sorted(widths)}. Remove mean, std and centers; training measures them anew."
        )
    return fitted


def _intensity(image: KerasTensor) -> KerasTensor:
    """Return the mean and the standard deviation of all pixels, `(batch, 2)`."""
    pixels = layers.Reshape((1, -1), dtype=_EXACT, name="head_clusters_pixels")(image)
    scaled = layers.LayerNormalization(
        epsilon=1e-12, center=False, scale=False, dtype=_EXACT, name="head_clusters_scaled"
    )(pixels)
    # The mean of x (x - mean) / std is the deviation; Keras has no layer for a square root.
    products = layers.Multiply(dtype=_EXACT, name="head_clusters_products")([pixels, scaled])
    statistics = [_average(pixels, "mean"), _average(products, "std")]
    return layers.Concatenate(dtype=_EXACT, name="head_clusters_statistics")(statistics)


def _nearest(values: KerasTensor, mean: list[float], std: list[float], centers: list[list[float]]) -> KerasTensor:
    """Return which center is the nearest, `(batch, centers)`."""
    # (x - mean) / std - center for each center; Keras's Normalization would turn these numbers into inputs in ONNX.
    offset = np.array(centers, _EXACT) + np.array(mean, _EXACT) / np.array(std, _EXACT)
    copies = layers.RepeatVector(len(centers), dtype=_EXACT, name="head_clusters_copies")(values)
    away = layers.Rescaling(1 / np.array(std, _EXACT), -offset, dtype=_EXACT, name="head_clusters_away")(copies)
    squares = layers.Multiply(dtype=_EXACT, name="head_clusters_squares")([away, away])
    distances = _average(squares, "distances")
    sharp = layers.Rescaling(-_STEEPNESS * len(mean), dtype=_EXACT, name="head_clusters_sharp")(distances)
    return layers.Activation("softmax", dtype=_EXACT, name="head_clusters_nearest")(sharp)


def _average(x: KerasTensor, name: str) -> KerasTensor:
    """Return the mean over the last axis."""
    return layers.GlobalAveragePooling1D("channels_first", dtype=_EXACT, name=f"head_clusters_{name}")(x)
