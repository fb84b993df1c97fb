"""What a user passes to `fit`: arrays and tensors in any usual form, or values that are no targets."""

from dataclasses import replace

import keras
import numpy as np
import pytest

import medzoo
from medzoo.data import from_arrays
from medzoo.io.tensors import as_array
from medzoo.losses import CrossEntropy, DiceCrossEntropy
from medzoo.task import Classification, Regression, Segmentation
from medzoo.zoo_model import ZooModel

TWO, THREE = ("a", "b"), ("a", "b", "c")
IMAGES = np.random.default_rng(0).random((4, 16, 16, 1), np.float32)
MASKS = (IMAGES > 0.8).astype(np.int32)


def model_of(recipe, task):
    kind = "classifier" if isinstance(task, Classification) else "regressor"
    builder = {"name": kind, "encoder": {"name": "plain", "filters": [2]}}
    model = ZooModel.from_recipe(recipe if task.is_dense else replace(recipe, task=task, builder=builder))
    if task.is_dense:
        model = ZooModel.from_recipe(replace(recipe, task=task))
    model.compile_from_recipe()
    return model


@pytest.mark.parametrize("task", [Classification(TWO), Classification(THREE), Regression("age")], ids=str)
@pytest.mark.parametrize("kind", ["array", "list", "dataset"])
def test_labels_without_their_axis_are_as_good_as_with_it(tiny_recipe, task, kind):
    if kind == "dataset" and task.name == "regression":
        pytest.skip("Keras's own loss")
    model, labels = model_of(tiny_recipe, task), np.array([0, 1, 1, 0])
    expected = model.evaluate(IMAGES, labels[:, None], verbose=0)
    if kind == "dataset":
        data = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices((IMAGES, labels)).batch(4)
        assert model.evaluate(data, verbose=0) == pytest.approx(expected, rel=1e-5)
    else:
        given = labels.tolist() if kind == "list" else labels
        assert model.evaluate(IMAGES, given, verbose=0) == pytest.approx(expected, rel=1e-5)
    model.fit(IMAGES, labels, validation_data=(IMAGES, labels), verbose=0)


WRONG = [
    (Segmentation(TWO), MASKS * 255, "255 and no label above 0.*Write"),
    (
        Segmentation(TWO),
        MASKS * 2,
        r"label indices, 0 to 1 \(a, b\), 255 for pixels to ignore.*Received: 2. .*subtract 1",
    ),
    (Segmentation(THREE), MASKS * 127, "0 to 2.*Received: 127"),
    (Segmentation(TWO), -MASKS, "Received: -1. Write 255 for what has no label"),
    (Segmentation(TWO), MASKS * 0.5, "Received: 0.5"),
    (Classification(TWO), np.array([1, 2, 1, 2]), "0 to 1.*Received: 2. Indices begin with 0"),
    (Classification(THREE), np.array([1, 2, 3, 3]), "0 to 2.*Received: 3. Indices begin with 0"),
    (Classification(TWO), np.array([0, 255, 0, 255]), "Received: 255. Map them"),
    (Classification(THREE), np.array([0, -1, 1, 2]), "Received: -1. Leave out"),
    (Classification(TWO), np.array(["a", "b", "a", "b"]), "must be numbers. Received: <U1"),
    (Classification(THREE), np.full((4, 3), 0.9), "label indices"),
    (Classification(TWO), np.array([0, 1, np.nan, 1]), "finite numbers"),
    (Regression("age"), np.array([0, 1, np.inf, 1]), "finite numbers"),
]


@pytest.mark.parametrize(("task", "targets", "message"), WRONG)
def test_targets_that_are_no_labels_are_refused_with_what_was_found(tiny_recipe, task, targets, message):
    model = model_of(tiny_recipe, task)
    with pytest.raises(ValueError, match=message):
        model.fit(IMAGES, targets, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.evaluate(IMAGES, targets, verbose=0)
    with pytest.raises(ValueError, match=f"validation_data.*{message}"):
        right = MASKS if task.is_dense else np.array([0, 1, 0, 1])
        model.fit(IMAGES, right, validation_data=(IMAGES, targets), verbose=0)


@pytest.mark.parametrize("targets", [MASKS, MASKS.astype(bool), MASKS.astype(float), np.where(MASKS, 1, 255)])
def test_masks_of_any_type_and_with_ignored_pixels_are_taken(tiny_recipe, targets):
    assert np.isfinite(model_of(tiny_recipe, Segmentation(TWO)).evaluate(IMAGES, targets, verbose=0)).all()


def test_shares_of_labels_are_taken(tiny_recipe):
    shares = np.array([[0.5, 0.5, 0], [1, 0, 0], [0, 0.25, 0.75], [0, 0, 1]])
    assert np.isfinite(model_of(tiny_recipe, Classification(THREE)).evaluate(IMAGES, shares, verbose=0)).all()


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    "loss", [CrossEntropy(), CrossEntropy(gamma=2), DiceCrossEntropy()], ids=lambda loss: loss.name
)
@pytest.mark.parametrize("label", [-1, 3, 200])
def test_a_label_that_no_output_has_makes_the_loss_of_a_batch_nan(loss, outputs, label):
    y_pred = np.full((2, 4, 4, outputs), 1 / max(2, outputs), np.float32)
    y_true = np.zeros((2, 4, 4, 1), np.int32)
    assert np.isfinite(float(loss(y_true, y_pred)))
    y_true[1, 2, 3] = label
    assert np.isnan(float(loss(y_true, y_pred)))


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("loss", [CrossEntropy(), DiceCrossEntropy()], ids=lambda loss: loss.name)
def test_weights_of_images_weight_all_their_pixels(loss, shape):
    # As many images as columns, which would take the weights without a word.
    y_true, weights = MASKS[:, :4, :4], np.array([1, 0, 2, 0], np.float32)
    y_pred = np.full(y_true.shape, 0.3, np.float32)
    expected = float(loss(y_true, y_pred, sample_weight=np.broadcast_to(weights[:, None, None], (4, 4, 4)).copy()))
    assert float(loss(y_true, y_pred, sample_weight=weights.reshape(shape))) == pytest.approx(expected, rel=1e-5)


def test_fit_takes_a_weight_for_each_image(tiny_recipe):
    model = model_of(tiny_recipe, Segmentation(TWO))
    one = model.evaluate(IMAGES[:1], MASKS[:1], verbose=0, return_dict=True)["loss"]
    weights = np.array([4.0, 0, 0, 0])
    loss = model.evaluate(IMAGES, MASKS, sample_weight=weights, verbose=0, return_dict=True)["loss"]
    assert np.isfinite([one, loss]).all()
    model.fit(IMAGES, MASKS, sample_weight=weights, batch_size=2, verbose=0)


def test_a_second_fit_goes_on_and_one_behind_the_end_of_the_schedule_is_refused(tiny_recipe):
    model = ZooModel.from_recipe(replace(tiny_recipe, epochs=1, schedule={"name": "cosine"}))
    model.compile_from_recipe()
    model.fit(IMAGES, MASKS, verbose=0)
    model.fit(IMAGES, MASKS, verbose=0)
    model.compile_from_recipe(steps_per_epoch=1)
    model.fit(IMAGES, MASKS, verbose=0)
    with pytest.raises(ValueError, match="schedule of the learning rate is over"):
        model.fit(IMAGES, MASKS, verbose=0)


def test_tensors_of_the_backend_are_arrays(tiny_recipe):
    model = model_of(tiny_recipe, Segmentation(TWO))
    images, masks = keras.ops.convert_to_tensor(IMAGES), keras.ops.convert_to_tensor(MASKS)
    model.fit(images, masks, sample_weight=keras.ops.ones(4), verbose=0)
    assert model.evaluate(images, masks, verbose=0) == pytest.approx(model.evaluate(IMAGES, MASKS, verbose=0))
    assert np.array_equal(model.predict(images, verbose=0), model.predict(IMAGES, verbose=0))
    one = medzoo.predict(model, images[0, ..., 0])
    assert np.array_equal(one.mask, medzoo.predict(model, IMAGES[0, ..., 0]).mask)
    assert len(from_arrays(images[..., 0], keras.ops.convert_to_tensor([0, 1, 0, 1]))) == 4


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_a_tensor_of_torch_that_records_gradients_is_an_array(kind):
    torch = pytest.importorskip("torch")
    tensor = torch.ones((2, 2), dtype=getattr(torch, kind), requires_grad=True)
    assert np.array_equal(as_array(tensor), np.ones((2, 2)))
