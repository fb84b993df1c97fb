"""The cluster of an image as an input of the network."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from medzoo.features.clusters import cluster
from medzoo.graph.cut import split_frozen
from medzoo.models import build
from medzoo.models.classifier import classifier, regressor
from medzoo.zoo.export import export_onnx

PLAIN = {"name": "plain", "filters": (4, 4)}


def images_of(shape, count=40):
    """Images of very different brightness and contrast."""
    draw = np.random.default_rng(0)
    level, contrast = draw.uniform(0, 100, (2, count, *(1 for _ in shape)))
    return (level + contrast * draw.random((count, *shape))).astype(np.float32)


def statistics_of(images):
    axes = tuple(range(1, images.ndim))
    return np.stack([images.mean(axes, dtype=float), images.std(axes, dtype=float)], axis=1)


def fitted(images, count=4):
    found = cluster(statistics_of(images), count)
    return found, {"of": "intensity", **found.to_json()}


def ids_of(network, images):
    """Return the last columns of the features that the head sees."""
    seen = keras.Model(network.input, network.get_layer("head_clusters").output)
    return seen.predict_on_batch(images)[:, 4:]


@pytest.fixture(scope="module")
def images():
    return images_of((8, 8, 1))


@pytest.fixture(scope="module")
def network(images):
    """A network with four clusters, not to be changed."""
    return classifier((8, 8, 1), encoder=PLAIN, clusters=fitted(images)[1])


@pytest.mark.parametrize("shape", [(8, 12, 2), (None, None, 2), (4, 6, 8, 1)])
def test_network_finds_the_cluster_of_each_image(shape):
    images = images_of([size or 8 for size in shape])
    found, clusters = fitted(images)
    ids = ids_of(classifier(shape, encoder=PLAIN, clusters=clusters), images)
    assert ids == pytest.approx(np.eye(4)[found.labels], abs=1e-5)


def test_the_cluster_reaches_the_answer(images):
    network = regressor((8, 8, 1), encoder=PLAIN, clusters=fitted(images)[1])
    kernel, bias = network.get_layer("predictions").get_weights()
    kernel[:] = 0
    kernel[-4:, 0] = range(4)
    network.get_layer("predictions").set_weights([kernel, bias])
    assert network.predict_on_batch(images)[:, 0] == pytest.approx(fitted(images)[0].labels, abs=1e-4)


def test_clusters_of_features_are_those_of_the_pooled_tensor(images):
    plain = classifier((8, 8, 1), outputs=0, encoder=PLAIN)
    found = cluster(plain.predict_on_batch(images), 3)
    network = classifier((8, 8, 1), encoder=PLAIN, clusters={"of": "features", **found.to_json()})
    for old, new in zip(plain.weights, network.weights, strict=False):
        new.assign(old)
    assert ids_of(network, images) == pytest.approx(np.eye(3)[found.labels], abs=1e-5)


def test_a_constant_image_has_a_cluster(network):
    assert ids_of(network, np.zeros((1, 8, 8, 1), np.float32)).sum() == pytest.approx(1)


def test_mixed_precision_finds_the_same_clusters(images):
    found, clusters = fitted(images)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = classifier((8, 8, 1), encoder=PLAIN, clusters=clusters)
    finally:
        keras.config.set_dtype_policy(before)
    nearest = keras.Model(network.input, network.get_layer("head_clusters_nearest").output)
    assert nearest.predict_on_batch(images).argmax(axis=1).tolist() == found.labels.tolist()


def test_layers_are_stock_ones_without_weights(network):
    added = [layer for layer in network.layers if layer.name.startswith("head_clusters")]
    assert len(added) == 13
    assert all(getattr(keras.layers, type(layer).__name__) is type(layer) for layer in added)
    assert not any(layer.weights for layer in added)


def test_keras_saves_and_loads_the_network(network, images, tmp_path):
    network.save(tmp_path / "network.keras")
    with keras.saving.CustomObjectScope({}):
        copy = keras.saving.load_model(tmp_path / "network.keras")
    assert copy.predict_on_batch(images) == pytest.approx(network.predict_on_batch(images), abs=1e-5)


def test_onnx_finds_the_same_clusters(network, images, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The export runs in TensorFlow.")
    pytest.importorskip("tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    expected = network.predict_on_batch(images)
    export_onnx(network, tmp_path / "network.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: images})
    assert answer == pytest.approx(expected, abs=1e-4)


def test_training_goes_past_the_clusters():
    keras.utils.set_random_seed(0)
    images = images_of((8, 8, 1), 8) / 100
    network = classifier((8, 8, 1), encoder=PLAIN, clusters=fitted(images, 2)[1])
    before = [np.array(keras.ops.convert_to_numpy(weight)) for weight in network.trainable_weights]
    network.compile(keras.optimizers.SGD(0.1), "binary_crossentropy", run_eagerly=keras.backend.backend() != "jax")
    network.train_on_batch(images, np.arange(8)[:, None] % 2)
    assert all(
        np.isfinite(new := keras.ops.convert_to_numpy(weight)).all() and not np.array_equal(new, old)
        for weight, old in zip(network.trainable_weights, before, strict=True)
    )


def test_clusters_are_fixed_where_the_encoder_is(network, images):
    stages = {layer.name.rpartition("_")[0] for layer in network.layers if layer.name.startswith("stage")}
    encoder, head = split_frozen(network, {"stem", *(f"stage_{number}" for number in range(1, 5)), *stages})
    assert [layer.name for layer in head.layers if layer.weights] == ["predictions"]
    assert all(len(shape) < 4 for shape in encoder.output_shape)
    assert head.predict_on_batch(encoder.predict_on_batch(images)) == pytest.approx(
        network.predict_on_batch(images), abs=1e-5
    )


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        ({"of": "intensity", "count": 4}, "were not fitted yet, mean, std, centers are missing"),
        ({"of": "intensity", "number": 4}, "Unknown field of the clusters 'number'.*count"),
        ({"of": "intensities"}, "Unknown kind of clusters 'intensities'. Did you mean 'intensity'"),
        ({"of": "intensity", "count": 1}, "must be a whole number above 1. Received: 1"),
        (
            {"of": "intensity", "count": 2, "mean": [0], "std": [1], "centers": [[0], [1]]},
            r"2 centers of 2 values. Received: 2 of \[1\]",
        ),
    ],
)
def test_wrong_clusters_are_refused(clusters, message):
    with pytest.raises(ValueError, match=message):
        build({"name": "classifier", "encoder": PLAIN, "clusters": clusters}, (8, 8, 1), 1, "sigmoid")
