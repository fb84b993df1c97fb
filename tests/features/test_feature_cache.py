"""Features of a frozen encoder that are computed once."""

import errno
import hashlib
import sqlite3
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from medzoo.data import from_arrays
from medzoo.data.augment import Augmentation
from medzoo.data.feed.packed import from_packed
from medzoo.data.feed.packing import prepare
from medzoo.features.cache import FeatureCache, can_cache, encoder_key, row_digest
from medzoo.graph.cut import split_frozen
from medzoo.graph.freezing import stages
from medzoo.io import DicomSeries, Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.recipe import Recipe
from medzoo.task import Classification, Segmentation
from medzoo.zoo_model import ZooModel

RECIPE = Recipe(
    name="tiny-classifier",
    task=Classification(("cyst", "normal")),
    preprocessing=Preprocessing((8, 8)),
    builder={"name": "classifier", "encoder": {"name": "residual", "filters": [4, 8]}},
)
AUGMENT = Augmentation(brightness=0.5)
PIXELS = np.random.default_rng(0).integers(256, size=(5, 8, 8), dtype=np.uint8)


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


class Counting:
    """An encoder that counts the images that it sees, and may be killed in its second batch."""

    def __init__(self, encoder):
        self._encoder, self.images, self.is_killed = encoder, [], False

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def predict_on_batch(self, images):
        if self.is_killed and self.images:
            raise Killed
        self.images.extend(images)
        return self._encoder.predict_on_batch(images)


@pytest.fixture(scope="module")
def model():
    # Drawn before the fixture of every test, and a network must not be dead by an unlucky draw.
    np.random.seed(0)
    return ZooModel.from_recipe(RECIPE)


@pytest.fixture(scope="module")
def parts(model):
    return split_frozen(model, stages(model))


@pytest.fixture
def encoder(parts):
    return Counting(parts[0])


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "features")


@pytest.fixture(scope="module")
def samples():
    return samples_of(PIXELS)


def samples_of(pixels):
    return from_arrays(pixels, np.arange(len(pixels)) % 2, labels=RECIPE.task.labels)


def test_features_are_what_the_head_turns_into_the_answers_of_the_network(cache, model, parts, samples):
    encoder, head = parts
    (features,) = cache.features(model, encoder, samples, batch_size=2)
    assert features.shape == (1, 5, 8)
    assert features.dtype == np.float32
    images = np.stack([model.preprocessing(image[..., None]) for image in PIXELS])
    assert head.predict_on_batch(features[0]) == pytest.approx(model.predict_on_batch(images), abs=1e-6)


def test_a_second_call_computes_nothing(cache, model, encoder, samples):
    first = cache.features(model, encoder, samples, batch_size=5)
    second = FeatureCache(cache.folder).features(model, encoder, samples[[3, 1]], batch_size=5)
    assert len(encoder.images) == 5
    assert np.array_equal(second[0], first[0][:, [3, 1]])


def test_only_new_pixels_are_computed(cache, model, encoder, samples):
    cache.features(model, encoder, samples, batch_size=1)
    changed = PIXELS.copy()
    changed[2] = 255 - changed[2]
    (features,) = cache.features(model, encoder, samples_of(changed), batch_size=1)
    assert len(encoder.images) == 6
    (anew,) = FeatureCache(cache.folder / "x").features(model, encoder, samples_of(changed))
    assert features == pytest.approx(anew, rel=1e-4)


def test_equal_images_are_computed_once(cache, model, encoder):
    (features,) = cache.features(model, encoder, samples_of(np.stack([PIXELS[0]] * 3)), batch_size=1)
    assert len(encoder.images) == 1
    assert np.ptp(features, axis=1).max() == 0


def test_a_kill_keeps_the_batches_before_it(cache, model, encoder, samples):
    encoder.is_killed = True
    with pytest.raises(Killed):
        cache.features(model, encoder, samples, batch_size=2)
    encoder.is_killed = False
    cache.features(model, encoder, samples, batch_size=1)
    assert len(encoder.images) == 2 + 3


def test_views_differ_and_come_again(cache, model, encoder, samples):
    (views,) = cache.features(model, encoder, samples, 2, AUGMENT, seed=1)
    assert views.shape == (2, 5, 8)
    assert np.abs(views[0] - views[1]).max(axis=1).min() > 1e-3
    others = FeatureCache(cache.folder / "x").features(model, encoder, samples[::-1], 2, AUGMENT, 1, batch_size=3)
    assert others[0][:, ::-1] == pytest.approx(views, abs=1e-5)


def test_views_of_another_seed_are_others(cache, model, encoder, samples):
    one, other = (cache.features(model, encoder, samples, 1, AUGMENT, seed)[0] for seed in (0, 1))
    assert not np.allclose(one, other, atol=1e-3)


def test_more_views_are_added_to_those_that_are_there(cache, model, encoder, samples):
    (one,) = cache.features(model, encoder, samples, 1, AUGMENT, batch_size=1)
    (two,) = cache.features(model, encoder, samples, 2, AUGMENT, batch_size=1)
    assert len(encoder.images) == 10
    assert np.array_equal(two[:1], one)


def test_a_jitter_of_slices_makes_views_of_a_stack(cache):
    recipe = replace(RECIPE, preprocessing=Preprocessing((8, 8), channels=3, stack=Stack()))
    model = ZooModel.from_recipe(recipe)
    encoder, _ = split_frozen(model, stages(model))
    volumes = samples_of(np.random.default_rng(0).integers(256, size=(2, 9, 8, 8), dtype=np.uint8))
    (views,) = cache.features(model, encoder, volumes, 3, Augmentation(slice_jitter=2))
    assert np.ptp(views, axis=0).max() > 0


def test_other_weights_have_another_key(parts, model):
    encoder, _ = parts
    before = encoder_key(encoder, model.preprocessing)
    weights = encoder.get_weights()
    encoder.set_weights([weights[0] + 0.01, *weights[1:]])
    other = encoder_key(encoder, model.preprocessing)
    encoder.set_weights(weights)
    assert other != before == encoder_key(encoder, model.preprocessing)


def test_the_same_network_built_again_has_the_same_key(parts, model):
    again = ZooModel.from_recipe(replace(RECIPE, name="another-name"))
    again.set_weights(model.get_weights())
    encoder, _ = split_frozen(again, stages(again))
    assert encoder_key(encoder, model.preprocessing) == encoder_key(parts[0], model.preprocessing)


@pytest.mark.parametrize(
    "changed",
    [
        {"preprocessing": Preprocessing((8, 8), normalization="standardize")},
        {"augment": Augmentation(noise=0.2)},
        {"augment": AUGMENT, "seed": 1},
    ],
    ids=["preprocessing", "augmentation", "seed of views"],
)
def test_another_setting_has_another_key(changed, parts):
    plain = {"preprocessing": RECIPE.preprocessing, "augment": AUGMENT}
    assert encoder_key(parts[0], **plain, seed=0) != encoder_key(parts[0], **{**plain, "seed": 0, **changed})


def test_other_layers_of_the_same_weights_have_another_key():
    image = keras.Input((4,))
    dense = keras.layers.Dense(2, name="stem_dense")
    keys = {
        encoder_key(keras.Model(image, keras.layers.Activation(name)(dense(image))), RECIPE.preprocessing)
        for name in ("relu", "tanh")
    }
    assert len(keys) == 2


def test_a_file_counts_by_its_content(tmp_path):
    for name, image in {"a.png": PIXELS[0], "b.png": PIXELS[0], "c.png": PIXELS[1]}.items():
        cv2.imwrite(str(tmp_path / name), image)
    one, copy, other = (row_digest(str(tmp_path / name)) for name in ("a.png", "b.png", "c.png"))
    assert one == copy != other


def test_a_file_that_was_written_anew_is_another(tmp_path):
    path = tmp_path / "scan.png"
    path.write_bytes(b"one")
    before = row_digest(path)
    path.write_bytes(b"other")
    assert row_digest(path) != before == row_digest_of(b"one")


def row_digest_of(content):
    return hashlib.sha256(b"None" + hashlib.sha256(content).digest()).digest()


def test_a_series_counts_by_all_its_slices(tmp_path):
    for name in "abc":
        (tmp_path / name).write_text(name)
    series = [DicomSeries("x", tuple(str(tmp_path / name) for name in names)) for names in ("ab", "ba", "ac")]
    one, turned, other = map(row_digest, series)
    assert one == turned != other


def test_a_scan_counts_by_its_pixels_its_spacing_and_the_slice_that_is_taken():
    scan = Scan(PIXELS[..., None], PIXELS.shape, spacing=(1, 1, 1))
    others = [replace(scan, spacing=(2, 1, 1)), replace(scan, array=scan.array + np.uint8(1))]
    digests = {row_digest(scan), row_digest(scan, 2), *map(row_digest, others)}
    assert len(digests) == 4
    assert row_digest(replace(scan, source="elsewhere")) == row_digest(scan)


def test_rows_of_a_packed_file_are_taken(cache, model, encoder, samples, tmp_path):
    prepare(samples, model.preprocessing, model.task, tmp_path / "packed.h5")
    (packed,) = cache.features(model, encoder, from_packed(tmp_path / "packed.h5"))
    assert packed == pytest.approx(cache.features(model, encoder, samples)[0], abs=1e-2)


def test_a_damaged_file_is_named(cache, model, encoder, samples):
    cache.features(model, encoder, samples)
    (path,) = cache.folder.iterdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(ValueError, match=f"{path.name} is damaged.*Delete this file"):
        cache.features(model, encoder, samples)


def test_a_changed_byte_of_a_row_is_found(cache, model, encoder, samples):
    cache.features(model, encoder, samples)
    (path,) = cache.folder.iterdir()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE rows SET content = zeroblob(length(content))")
    connection.close()
    with pytest.raises(ValueError, match=f"{path.name} is damaged: a row does not have its checksum"):
        cache.features(model, encoder, samples)


def test_a_full_disk_is_an_error_that_names_the_file(cache, model, encoder, samples, monkeypatch):
    connect = sqlite3.connect

    def small(*args, **kwargs):
        connection = connect(*args, **kwargs)
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    many = samples_of(np.random.default_rng(1).integers(256, size=(200, 8, 8), dtype=np.uint8))
    with pytest.raises(OSError, match="No space left on device.*sqlite") as caught:
        cache.features(model, encoder, many, batch_size=200)
    assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize(
    ("views", "augment", "message"),
    [
        (1, None, "made by an augmentation"),
        (1, Augmentation(mixup=0.2), "Mixup blends images of a batch"),
    ],
    ids=["without augmentation", "mixup"],
)
def test_views_that_cannot_be_are_refused(views, augment, message, cache, model, encoder, samples):
    with pytest.raises(ValueError, match=message):
        cache.features(model, encoder, samples, views, augment)


def test_views_of_a_segmentation_are_refused(cache, tiny_model):
    masks = from_arrays(np.ones((2, 16, 16)), np.eye(16, dtype=np.uint8)[None].repeat(2, 0), ("background", "lesion"))
    encoder, _ = split_frozen(tiny_model, stages(tiny_model))
    with pytest.raises(ValueError, match="need masks that move along"):
        cache.features(tiny_model, encoder, masks, 1, AUGMENT)


def test_a_network_with_skips_has_an_array_for_each(cache, tiny_model):
    masks = from_arrays(np.ones((2, 16, 16)), np.eye(16, dtype=np.uint8)[None].repeat(2, 0), ("background", "lesion"))
    encoder, head = split_frozen(tiny_model, stages(tiny_model))
    features = cache.features(tiny_model, encoder, masks)
    assert [array.shape[:2] for array in features] == [(1, 2)] * len(encoder.outputs)
    images = np.zeros((2, 16, 16, 1), np.float32)
    answers = head.predict_on_batch([array[0] for array in features])
    assert answers == pytest.approx(tiny_model.predict_on_batch(images), abs=1e-5)


def test_features_in_half_precision_are_kept_in_it(cache, samples):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = ZooModel.from_recipe(RECIPE)
    finally:
        keras.config.set_dtype_policy("float32")
    encoder, head = split_frozen(model, stages(model))
    (features,) = cache.features(model, encoder, samples)
    assert features.dtype == np.float16
    images = np.stack([model.preprocessing(image[..., None]) for image in PIXELS])
    assert head.predict_on_batch(features[0]) == pytest.approx(model.predict_on_batch(images), abs=1e-2)


def test_slices_of_volumes_cannot_be_kept():
    labels = ("background", "lesion")
    volumes = from_arrays(PIXELS[None], [np.eye(8, dtype=np.uint8)[None].repeat(5, 0)], labels)
    assert not can_cache(volumes, Preprocessing((8, 8)), Segmentation(labels))
    assert can_cache(volumes, Preprocessing((8, 8, 8)), Segmentation(labels))


def test_features_larger_than_the_memory_cannot_be_kept(parts, samples, monkeypatch):
    assert can_cache(samples, RECIPE.preprocessing, RECIPE.task, parts[0])
    monkeypatch.setattr("os.sysconf", lambda name: 5)
    assert not can_cache(samples, RECIPE.preprocessing, RECIPE.task, parts[0], views=2)
