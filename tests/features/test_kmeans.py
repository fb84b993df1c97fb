"""k-means and the number of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from medzoo.evaluation.plots.clusters import elbow_figure, scatter_figure, silhouette_figure
from medzoo.features.clusters import cluster, crosstab


def blobs(width=2):
    """Thirty rows in three groups, and the group of each."""
    draw = np.random.default_rng(0)
    groups = np.repeat([0, 1, 2], 10)
    return groups[:, None] * 50.0 + draw.normal(size=(30, width)), groups


@pytest.fixture(scope="module")
def found():
    """What is found in `blobs()`."""
    return cluster(blobs()[0])


def test_silhouette_finds_three_groups(found):
    assert found.count == 3
    assert found.labels.tolist() == blobs()[1].tolist()
    assert list(found.silhouette) == list(found.inertia) == list(range(2, 9))


def test_a_given_count_is_kept_and_the_others_are_still_compared():
    found = cluster(blobs()[0], count=5, counts=(2, 3))
    assert found.count == len(found.centers) == 5
    assert max(found.silhouette, key=found.silhouette.get) == 3


def test_clusters_are_those_of_scikit_learn():
    values = np.random.default_rng(1).normal(size=(40, 3)) * [1, 100, 0.01]
    found = cluster(values, count=4, counts=(), seed=3)
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    other = KMeans(4, n_init=10, random_state=3).fit(scaled)
    pairs = set(zip(found.labels.tolist(), other.predict(scaled).tolist(), strict=True))
    assert len(pairs) == 4
    assert found.inertia[4] == pytest.approx(other.inertia_)


def test_cases_too_few_for_a_count_leave_it_out():
    assert list(cluster(blobs()[0][::6]).silhouette) == [2, 3, 4]


@pytest.mark.parametrize("values", [np.zeros((5, 2)), np.arange(4.0).reshape(2, 2)])
def test_equal_or_too_few_cases_are_refused(values):
    with pytest.raises(ValueError, match="more different cases than clusters.*normalises each image by itself"):
        cluster(values)


def test_what_differs_by_rounding_only_makes_no_clusters():
    values = np.array([0.0, 1.0]) + 1e-8 * np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="20 cases, 1 of them different"):
        cluster(values)


def test_more_clusters_than_cases_are_refused():
    with pytest.raises(ValueError, match="for 31 clusters"):
        cluster(blobs()[0], count=31)


def test_crosstab_counts_cases_of_cluster_and_class():
    assert crosstab(np.array([0, 0, 1]), [1, 1, 0], 2).tolist() == [[0, 2], [1, 0]]


@pytest.mark.parametrize(("draw", "title"), [(elbow_figure, "Elbow"), (silhouette_figure, "Silhouette")])
def test_curves_show_every_count_and_the_chosen_one(found, draw, title):
    (axes,) = draw(found).axes
    curve, line = axes.lines
    assert axes.get_title() == title
    assert curve.get_xdata().tolist() == list(range(2, 9))
    assert line.get_xdata() == [3, 3]


@pytest.mark.parametrize("width", [2, 5])
def test_scatter_shows_every_case_and_center(width):
    values = blobs(width)[0]
    (axes,) = scatter_figure(cluster(values, count=3, counts=()), values).axes
    assert [len(points.get_offsets()) for points in axes.collections] == [10, 10, 10, 3]
    assert np.abs(axes.collections[1].get_offsets().mean(axis=0) - axes.collections[3].get_offsets()[1]).max() < 1e-6
