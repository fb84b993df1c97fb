"""A trained network for other labels."""

import keras
import numpy as np
import pytest

import medzoo
from medzoo.estimators.model import EstimatorModel
from medzoo.graph.logits import plain_activation
from medzoo.graph.walk import flatten
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification, FeatureExtraction, Regression, Segmentation
from medzoo.zoo.new_head import replace_head
from medzoo.zoo_model import ZooModel

ENCODER = {"name": "residual", "filters": [4, 8]}
CLASSIFIER = {"name": "classifier", "encoder": ENCODER}
COLOURS = ("red", "green", "blue")


def make(task, builder=CLASSIFIER, size=(16, 16), **fields):
    return ZooModel.from_recipe(Recipe("old", task, Preprocessing(size), builder, **fields))


def head_of(model):
    return model.layers[-1]


def values(layer):
    return [keras.ops.convert_to_numpy(weight) for weight in layer.weights]


def same_but_for_the_head(old, new):
    pairs = zip(flatten(old.network), flatten(new.network), strict=True)
    kept = [(a, b) for a, b in pairs if a.weights and not isinstance(a, keras.Model) and a.name != head_of(old).name]
    assert kept
    return all(np.array_equal(x, y) for a, b in kept for x, y in zip(values(a), values(b), strict=True))


@pytest.mark.parametrize(
    ("task", "builder", "size"),
    [
        (Classification(("no", "yes")), CLASSIFIER, (16, 16)),
        (Classification(("a", "b", "c", "d")), {**CLASSIFIER, "hidden": [6], "dropout": 0.1}, (16, 16)),
        (Classification(("no", "yes")), CLASSIFIER, (8, 16, 16)),
        (Segmentation(("background", "lesion")), {"name": "unet", "encoder": ENCODER}, (16, 16)),
        (Segmentation(("background", "a", "b", "c")), {"name": "unet", "encoder": ENCODER}, (16, 16)),
        (Segmentation(("background", "lesion")), {"name": "resunet_plus_plus", "filters": [4, 8]}, (16, 16)),
    ],
)
@pytest.mark.parametrize("labels", [("background", "new"), COLOURS])
def test_a_new_head_answers_the_labels_and_all_else_is_kept(task, builder, size, labels):
    old = make(task, builder, size)
    new = replace_head(old, labels)
    assert new.task == type(task)(labels)
    assert new.output_shape == (*old.output_shape[:-1], new.task.outputs)
    assert plain_activation(head_of(new)) is keras.activations.get(new.task.activation)
    assert head_of(new).name == head_of(old).name
    assert same_but_for_the_head(old, new)


def test_the_same_labels_get_a_fresh_head_and_the_old_model_stays():
    old = make(Classification(COLOURS))
    before = values(head_of(old))
    new = replace_head(old, COLOURS)
    assert not np.array_equal(values(head_of(new))[0], before[0])
    assert np.array_equal(values(head_of(old))[0], before[0])


def test_the_same_seed_gives_the_same_head():
    old = make(Classification(COLOURS))
    kernels = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        kernels.append(values(head_of(replace_head(old, 2)))[0])
    assert np.array_equal(*kernels)


def test_a_number_numbers_the_labels():
    assert replace_head(make(Classification()), 3).task.labels == ("label_0", "label_1", "label_2")
    unet = make(Segmentation(), {"name": "unet", "encoder": ENCODER})
    assert replace_head(unet, 3).task.labels == ("background", "label_1", "label_2")


def test_every_member_of_an_ensemble_gets_a_head():
    old = make(Classification(("no", "yes")), {"name": "ensemble", "members": 2, "of": CLASSIFIER})
    new = replace_head(old, COLOURS)
    assert new.output_shape == (None, 3)
    heads = [new.get_layer(f"fold_{number}").layers[-1] for number in (1, 2)]
    assert [head.units for head in heads] == [3, 3]
    assert not np.array_equal(*(values(head)[0] for head in heads))
    assert same_but_for_the_head(old, new)


def test_features_become_a_classification():
    old = make(FeatureExtraction())
    new = replace_head(old, COLOURS)
    assert new.task == Classification(COLOURS)
    assert new.output_shape == (None, 3)
    assert head_of(new).name == "predictions"
    assert new.recipe.loss_name == "crossentropy"


def test_what_speaks_of_the_old_labels_is_dropped_and_where_they_come_from_is_kept():
    fields = {
        "balance": {"class_weights": {"no": 1, "yes": 3}, "sampling": "balanced"},
        "loss": {"name": "focal", "gamma": 1},
        "expected": {"auc": 0.9},
        "card": {"summary": "Finds it.", "license": "mit"},
    }
    old = make(Classification(("no", "yes"), threshold=0.3, temperature=2), **fields)
    recipe = replace_head(old, COLOURS, source="me/old@1234").recipe
    assert recipe.task == Classification(COLOURS)
    assert recipe.balance == {"sampling": "balanced"}
    assert recipe.expected == {}
    assert recipe.card == {"base_model": "me/old@1234"}
    assert recipe.loss == fields["loss"]
    assert replace_head(old, COLOURS).recipe.card == {"base_model": "old"}


def test_the_log_says_what_was_replaced(caplog):
    replace_head(make(Classification(("no", "yes"))), COLOURS)
    assert "head for no, yes" in caplog.text
    assert "'predictions' of 3 output(s) for red, green, blue: its 27 weights start at random" in caplog.text


@pytest.mark.parametrize(("labels", "words"), [(1, "2 to 256"), ("red", "2 to 256"), (("a", "a"), "2 to 256")])
def test_labels_that_are_none_are_refused(labels, words):
    with pytest.raises(ValueError, match=words):
        replace_head(make(Classification()), labels)


def test_a_model_without_labels_is_refused():
    with pytest.raises(ValueError, match="'old' is a network for regression"):
        replace_head(make(Regression()), 3)
    estimator = EstimatorModel(None, None, make(Classification()).recipe)
    with pytest.raises(ValueError, match="'old' is an estimator on features"):
        replace_head(estimator, 3)


def test_a_network_that_ends_otherwise_is_refused():
    image = keras.Input((16, 16, 1))
    x = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(image))
    network = keras.Model(image, keras.layers.Softmax()(x))
    recipe = Recipe("old", Classification(COLOURS), Preprocessing((16, 16)), {"name": "converted"})
    with pytest.raises(ValueError, match=r"ends in a dense layer or a convolution .* Received: Dense 'dense"):
        replace_head(ZooModel.wrap(network, recipe), 2)


def test_a_network_of_another_library_keeps_what_it_runs_twice():
    image = keras.Input((16, 16, 1), name="image")
    inner = keras.Sequential([keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()])
    x = keras.layers.Concatenate()([inner(image), inner(-1.0 * image)])
    network = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(x))
    recipe = Recipe("old", Classification(), Preprocessing((16, 16)), {"name": "converted"})
    old = ZooModel.wrap(network, recipe)
    new = replace_head(old, COLOURS)
    assert len(new.weights) == len(old.weights)
    assert same_but_for_the_head(old, new)
    assert new.predict_on_batch(np.ones((1, 16, 16, 1))).shape == (1, 3)


def test_a_loaded_model_with_new_labels_learns_them(tiny_entry):
    old = medzoo.load(tiny_entry)
    model = medzoo.load(tiny_entry, labels=COLOURS, verify=True)
    assert model.recipe.card == {"base_model": "tiny-unet"}
    assert model.evaluation is None
    assert same_but_for_the_head(old, model)
    images = np.random.default_rng(0).random((4, 16, 16, 1), np.float32)
    masks = np.arange(4 * 16 * 16).reshape(4, 16, 16, 1) % 3
    history = model.fit(images, masks, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_model_with_a_new_head_is_saved_and_loaded_again(tiny_entry, tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)
    model = medzoo.load(tiny_entry, labels=COLOURS)
    again = medzoo.load(medzoo.save(model, tmp_path / "entry"), verify=True)
    assert again.task.labels == COLOURS
    assert replace_head(again, 2).output_shape == (None, 16, 16, 1)
