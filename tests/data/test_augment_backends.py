"""The same changes in TensorFlow ops, as tf.data makes them, and in the ops of the Keras backend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")

from medzoo.data.augment import Augmentation
from tests.data.augment_ways import INTENSITY, SPATIAL, eagerly, inside_tf_data, on_backend

two_ways = pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="TensorFlow's ops are the backend's")

SHAPES = {"images": (4, 12, 16, 1), "volumes": (4, 6, 8, 10, 1)}
CHANGES = {**SPATIAL, **INTENSITY}
OF_VOLUMES = {"tilt": 30, "flip": ("depth",)}
WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
import numpy as np, keras
from medzoo.data.augment import Augmentation
images, targets = np.load(sys.argv[1])["images"], np.load(sys.argv[1])["targets"]
images, targets = Augmentation(rotation=45, elastic=0.1, noise=0.1, mixup=0.5)(images, targets, (1, 2))
assert type(images) is type(keras.ops.zeros(())), type(images)
np.savez(sys.argv[2], images=keras.ops.convert_to_numpy(images), targets=keras.ops.convert_to_numpy(targets))
"""


def draw_batch(shape):
    images = np.random.default_rng(0).random(shape, np.float32)
    return images, (images > 0.5).astype(np.uint8)


def check_equal(change, images, targets):
    """Check that the two ways agree, and that there was a change to agree on."""
    ways = [way(change, images, targets) for way in (eagerly, on_backend)]
    for first, second in zip(*ways, strict=True):
        assert first.dtype == second.dtype
        assert np.allclose(first, second, atol=1e-4)
    assert ways[0][0].shape != images.shape or not np.array_equal(ways[0][0], images)


@two_ways
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_the_same_on_the_backend(name, shape):
    check_equal(Augmentation(**{name: CHANGES[name]}), *draw_batch(shape))


@two_ways
@pytest.mark.parametrize("name", OF_VOLUMES)
def test_a_change_of_volumes_is_the_same_on_the_backend(name):
    check_equal(Augmentation(**{name: OF_VOLUMES[name]}), *draw_batch(SHAPES["volumes"]))


@two_ways
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_all_changes_together_are_the_same_on_the_backend(shape):
    check_equal(Augmentation(**CHANGES), *draw_batch(shape))


@two_ways
def test_jitter_of_slices_and_mixup_are_the_same_on_the_backend():
    images, _ = draw_batch((4, 12, 16, 5))
    check_equal(Augmentation(slice_jitter=1, mixup=0.5), images, np.eye(4, dtype=np.float32))


def test_tensors_of_the_backend_stay_there_and_as_they_were():
    images, masks = map(keras.ops.convert_to_tensor, draw_batch(SHAPES["images"]))
    before = np.array(keras.ops.convert_to_numpy(images))
    changed = Augmentation(**CHANGES)(images, masks, (1, 2))
    assert all(type(tensor) is type(images) for tensor in changed)
    assert np.array_equal(keras.ops.convert_to_numpy(images), before)


def test_a_graph_knows_the_shapes_but_not_the_number_of_images():
    import tensorflow as tf

    shapes = []

    def change(images, masks, seed):
        changed = Augmentation(rotation=45, brightness=0.2)(images, masks, seed)
        shapes.extend(tuple(tensor.shape) for tensor in changed)
        return changed

    images, masks = draw_batch(SHAPES["images"])
    dataset = tf.data.Dataset.from_tensor_slices((images, masks)).batch(3)
    sizes = [len(images) for images, _ in dataset.map(lambda *pair: change(*pair, (1, 2)))]
    assert sizes == [3, 1]
    assert shapes[:2] == [(None, 12, 16, 1)] * 2


def test_a_graph_of_another_seed_draws_anew():
    batch = draw_batch(SHAPES["images"])
    one, other = (inside_tf_data(Augmentation(brightness=0.2), *batch, seed) for seed in ((1, 2), (1, 3)))
    assert not np.array_equal(one[0], other[0])


def test_without_tensorflow_the_same_seed_gives_the_same_pixels(tmp_path):
    pytest.importorskip("jax")
    images, targets = draw_batch(SHAPES["images"])[0], np.eye(4, dtype=np.float32)
    np.savez(tmp_path / "batch.npz", images=images, targets=targets)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, tmp_path / "batch.npz", tmp_path / "changed.npz"],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    changed = np.load(tmp_path / "changed.npz")
    expected = eagerly(Augmentation(rotation=45, elastic=0.1, noise=0.1, mixup=0.5), images, targets)
    assert np.allclose(changed["images"], expected[0], atol=1e-4)
    assert np.allclose(changed["targets"], expected[1], atol=1e-6)
