"""Features of a data set."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from medzoo.data import from_arrays, from_packed, prepare
from medzoo.errors import IntegrityError
from medzoo.features.extract import Features, extract
from medzoo.graph.features import feature_network
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification
from medzoo.zoo_model import ZooModel

IMAGES = np.random.default_rng(0).random((5, 20, 16), np.float32)
VOLUMES = np.random.default_rng(0).random((3, 6, 16, 16), np.float32)


def make_model(recipe, preprocessing):
    builder = {"name": "classifier", "encoder": {"name": "residual", "filters": [3, 5]}}
    task = Classification(("a", "b"))
    return ZooModel.from_recipe(replace(recipe, task=task, preprocessing=preprocessing, builder=builder))


def samples_of(images, **columns):
    return from_arrays(images, [index % 2 for index in range(len(images))], labels=["a", "b"], **columns)


def run(model, inputs):
    return keras.ops.convert_to_numpy(feature_network(model)(np.stack(inputs), training=False))


@pytest.fixture
def model(tiny_recipe):
    return make_model(tiny_recipe, Preprocessing((16, 16)))


def test_cases_have_the_features_of_their_image_in_their_order(model):
    splits = ["train", "train", "valid", "test", "test"]
    samples = samples_of(IMAGES, patients=list("abcde"), splits=splits)
    features = extract(model, samples, batch_size=2)
    expected = run(model, [model.preprocessing(image[..., None]) for image in IMAGES])
    np.testing.assert_allclose(features.values, expected, rtol=1e-5, atol=1e-6)
    assert (features.patients, features.splits) == (tuple("abcde"), tuple(splits))
    assert features.values.dtype == np.float32


def test_layer_is_handed_on(model):
    assert extract(model, samples_of(IMAGES), layer="stride_1").values.shape == (5, 3)


def test_stacks_that_are_averaged_give_their_mean(tiny_recipe):
    model = make_model(tiny_recipe, Preprocessing((16, 16), 3, stack=Stack(average=3)))
    samples = samples_of(VOLUMES)
    expected = [
        run(model, list(model.preprocessing.inputs(row.image.read()))).mean(axis=0)
        for row in map(samples.__getitem__, range(3))
    ]
    np.testing.assert_allclose(extract(model, samples, batch_size=4).values, expected, rtol=1e-4, atol=1e-6)


def test_slice_of_a_sample_is_taken(tiny_recipe):
    model = make_model(tiny_recipe, Preprocessing((16, 16), 3, stack=Stack()))
    samples = replace(samples_of(VOLUMES), slices=(1, 2, 3))
    expected = run(model, [next(model.preprocessing.inputs(samples[row].image.read(), row + 1)) for row in range(3)])
    np.testing.assert_allclose(extract(model, samples).values, expected, rtol=1e-4, atol=1e-6)


def test_packed_images_are_inputs_already(model, tmp_path):
    samples = samples_of(IMAGES)
    prepare(samples, model.preprocessing, model.task, tmp_path / "set.h5")
    packed = from_packed(tmp_path / "set.h5")
    np.testing.assert_allclose(extract(model, packed).values, extract(model, samples).values, atol=1e-3)


def test_file_that_cannot_be_read_is_named(model, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.png"):
        extract(model, replace(samples_of(IMAGES[:2]), images=(str(path), IMAGES[1])))


def test_model_without_keras_is_refused():
    with pytest.raises(TypeError, match="Keras model"):
        extract(object(), samples_of(IMAGES))


def test_ensemble_is_refused(model):
    model.recipe = replace(model.recipe, builder={"name": "ensemble"})
    with pytest.raises(ValueError, match="fold-1"):
        extract(model, samples_of(IMAGES))


def test_no_sample_is_refused(model):
    with pytest.raises(ValueError, match="at least one image"):
        extract(model, samples_of(IMAGES)[:0])


def test_features_come_back_from_their_file(tmp_path):
    features = Features(np.ones((2, 3), np.float32), ("x.png", "y.png"), ("p", "q"), ("train", ""))
    features.save(tmp_path / "features.npz")
    back = Features.load(tmp_path / "features.npz")
    np.testing.assert_array_equal(back.values, features.values)
    assert (back.sources, back.patients, back.splits) == (features.sources, features.patients, features.splits)


DAMAGED = {
    "empty": b"",
    "no archive": b"features",
    "an archive that ends early": lambda whole: whole[: len(whole) // 2],
    "other arrays": None,
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_features_are_named_in_one_line(tmp_path, kind):
    path, content = tmp_path / "features.npz", DAMAGED[kind]
    Features(np.zeros((2, 3), np.float32), ("a", "b"), ("1", "2"), ("", "")).save(path)
    if content is None:
        np.savez(path, other=np.zeros(2))
    else:
        path.write_bytes(content if isinstance(content, bytes) else content(path.read_bytes()))
    with pytest.raises(IntegrityError, match="features.npz is no file of features: .*Delete it") as caught:
        Features.load(path)
    assert "\n" not in str(caught.value)
