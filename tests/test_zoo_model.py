import os
import subprocess
import sys
import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest

import medzoo
from medzoo.losses import DiceCrossEntropy
from medzoo.task import Segmentation
from medzoo.weights import load_decoder
from medzoo.zoo_model import ZooModel


def arrays(labels=2, batch=4):
    generator = np.random.default_rng(0)
    images = generator.random((batch, 16, 16, 1), np.float32)
    return images, generator.integers(labels, size=(batch, 16, 16, 1)).astype(np.uint8)


def assert_same_answer(one, other):
    images, _ = arrays()
    assert one.predict_on_batch(images) == pytest.approx(other.predict_on_batch(images), abs=1e-5)


def test_model_of_a_recipe_carries_its_concepts(tiny_recipe):
    model = ZooModel.from_recipe(tiny_recipe)
    assert model.recipe is tiny_recipe
    assert model.task is tiny_recipe.task
    assert model.preprocessing is tiny_recipe.preprocessing
    assert model.evaluation is None
    assert model.name == "tiny_unet"
    assert model.input_shape == (None, *tiny_recipe.preprocessing.input_shape)
    assert not model.compiled


def test_weights_of_a_recipe_are_where_its_training_begins(tiny_entry, tiny_recipe):
    recipe = replace(tiny_recipe, weights=str(tiny_entry))
    kernel = "stage_1_conv"
    source = medzoo.load(tiny_entry).get_layer(kernel).get_weights()[0]
    begun = ZooModel.from_recipe(recipe, pretrained=True).get_layer(kernel).get_weights()[0]
    assert np.array_equal(begun, source)
    assert not np.array_equal(ZooModel.from_recipe(recipe).get_layer(kernel).get_weights()[0], source)


def kernels(model):
    return {f"{layer.name}/{weight.name}": np.asarray(weight) for layer in model.layers for weight in layer.weights}


def test_an_entry_of_the_same_builder_gives_its_decoder_and_a_head_that_fits(tiny_entry, tiny_recipe):
    source = kernels(medzoo.load(tiny_entry))
    recipe = replace(tiny_recipe, weights=str(tiny_entry))
    other_size = replace(recipe, preprocessing=replace(recipe.preprocessing, size=(32, 32)))
    begun = kernels(ZooModel.from_recipe(other_size, pretrained=True))
    assert begun.keys() == source.keys()
    assert all(np.array_equal(begun[name], source[name]) for name in source)

    other_labels = replace(recipe, task=Segmentation(("background", "core", "edema")))
    begun = kernels(ZooModel.from_recipe(other_labels, pretrained=True))
    assert {name for name in source if not np.array_equal(begun[name], source[name])} == {
        "probabilities/kernel",
        "probabilities/bias",
    }


def test_an_entry_of_another_builder_gives_its_encoder_only(tiny_entry, tiny_recipe):
    source = kernels(medzoo.load(tiny_entry))
    builder = {**tiny_recipe.builder, "filters": [4]}
    begun = kernels(
        ZooModel.from_recipe(replace(tiny_recipe, builder=builder, weights=str(tiny_entry)), pretrained=True)
    )
    of_encoder = {name for name in source if name.startswith("stage")}
    assert of_encoder
    assert all(np.array_equal(begun[name], source[name]) == (name in of_encoder) for name in source if "kernel" in name)


def test_a_folder_that_is_called_like_published_weights_is_not_asked_for_a_decoder(tiny_recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imagenet").mkdir()
    network = ZooModel.from_recipe(tiny_recipe).network
    before = kernels(network)
    load_decoder(network, tiny_recipe.builder, "imagenet")
    assert all(np.array_equal(value, before[name]) for name, value in kernels(network).items())


def test_one_image_tensor_goes_in_and_one_comes_out_without_warning(tiny_model):
    images, _ = arrays()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        answer = tiny_model(images)
        tiny_model.network(images)
    assert tuple(answer.shape) == (4, 16, 16, 1)


@pytest.mark.parametrize("labels", [("background", "lesion"), ("background", "edema", "tumor")])
def test_model_fits_arrays(tiny_recipe, labels):
    model = ZooModel.from_recipe(replace(tiny_recipe, task=Segmentation(labels)))
    model.compile_from_recipe()
    history = model.fit(*arrays(len(labels)), epochs=2, batch_size=2, verbose=0).history
    assert set(history) == {"loss", "dice", "pixel_accuracy"}
    assert np.isfinite(list(history.values())).all()


def test_model_fits_a_dataset_without_the_warning_of_keras_about_shuffle(tiny_model):
    data = pytest.importorskip("tensorflow").data.Dataset.from_tensor_slices(arrays()).batch(2)
    tiny_model.compile_from_recipe()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        tiny_model.fit(data, verbose=0)
        tiny_model.fit(x=data, verbose=0)
    with pytest.warns(UserWarning, match="`shuffle=True` was passed"):
        tiny_model.fit(data, verbose=0, shuffle=True)


def test_model_learns_a_bright_square(tiny_recipe):
    keras.utils.set_random_seed(0)
    images, masks = arrays()
    masks[:] = 0
    masks[:, 4:10, 6:12] = 1
    model = ZooModel.from_recipe(replace(tiny_recipe, optimizer={"name": "adam", "learning_rate": 0.3}))
    model.compile_from_recipe()
    losses = model.fit(images * 0.2 + masks, masks, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]


def test_compiled_model_has_what_the_recipe_names(tiny_recipe, tiny_model):
    images, masks = arrays()
    assert isinstance(tiny_model.loss, DiceCrossEntropy)
    assert isinstance(tiny_model.optimizer, keras.optimizers.AdamW)
    scores = tiny_model.evaluate(images, masks, verbose=0, return_dict=True)
    assert tiny_recipe.task.monitor in {f"val_{name}" for name in scores}


def test_keras_file_keeps_weights_recipe_and_compilation(tiny_model, tmp_path):
    tiny_model.fit(*arrays(), verbose=0)
    tiny_model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert type(copy) is ZooModel
    assert copy.recipe == tiny_model.recipe
    assert copy.name == tiny_model.name
    assert copy.compiled
    assert_same_answer(copy, tiny_model)
    assert int(copy.optimizer.iterations) == int(tiny_model.optimizer.iterations) > 0


def test_copy_by_config_keeps_the_recipe(tiny_model):
    copy = ZooModel.from_config(tiny_model.get_config())
    copy.set_weights(tiny_model.get_weights())
    assert copy.recipe == tiny_model.recipe
    assert_same_answer(copy, tiny_model)


def test_from_config_does_not_change_the_config(tiny_model):
    config = tiny_model.get_config()
    ZooModel.from_config(config)
    assert "recipe" in config


def test_clone_is_a_zoo_model_that_takes_the_recipe(tiny_model):
    clone = keras.models.clone_model(tiny_model)
    clone.set_weights(tiny_model.get_weights())
    clone.recipe = tiny_model.recipe
    assert type(clone) is ZooModel
    assert clone.task == tiny_model.task
    assert_same_answer(clone, tiny_model)


@pytest.mark.parametrize("use", [lambda model: model.task, lambda model: model.preprocessing, ZooModel.get_config])
def test_model_without_recipe_says_where_to_get_one(tiny_model, use):
    with pytest.raises(ValueError, match=r"'tiny_unet' has no recipe.*model\.recipe = original\.recipe"):
        use(keras.models.clone_model(tiny_model))


def test_wrap_shares_the_layers(tiny_model):
    wrapped = ZooModel.wrap(tiny_model.network, tiny_model.recipe)
    assert [id(layer) for layer in wrapped.layers] == [id(layer) for layer in tiny_model.layers]


def test_network_is_a_plain_model_of_the_same_layers(tiny_model):
    assert not isinstance(tiny_model.network, ZooModel)
    assert [id(layer) for layer in tiny_model.network.layers] == [id(layer) for layer in tiny_model.layers]
    assert_same_answer(tiny_model.network, tiny_model)


def test_saved_network_is_loaded_without_medzoo(tiny_model, tmp_path):
    images, _ = arrays()
    tiny_model.network.save(tmp_path / "network.keras")
    np.savez(tmp_path / "golden.npz", input=images, output=tiny_model.predict_on_batch(images))
    code = (
        "import sys, keras, numpy; "
        "golden = numpy.load('golden.npz'); "
        "answer = keras.saving.load_model('network.keras').predict_on_batch(golden['input']); "
        "assert 'medzoo' not in sys.modules; "
        "assert abs(answer - golden['output']).max() < 1e-5"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=tmp_path)


@pytest.fixture
def mixed_model(tiny_recipe):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        return ZooModel.from_recipe(tiny_recipe)
    finally:
        keras.config.set_dtype_policy(before)


def test_training_in_mixed_precision_keeps_float32_weights_and_scores(mixed_model):
    model = mixed_model
    model.compile_from_recipe(steps_per_epoch=2)
    history = model.fit(*arrays(), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(weight.dtype == np.float32 for weight in model.get_weights())
    assert model.predict_on_batch(arrays()[0]).dtype == np.float32


def test_weights_trained_in_mixed_precision_fit_a_float32_model(tiny_recipe, mixed_model):
    model = ZooModel.from_recipe(tiny_recipe)
    model.set_weights(mixed_model.get_weights())
    images, _ = arrays()
    assert np.abs(model.predict_on_batch(images) - mixed_model.predict_on_batch(images)).max() < 0.05
