import keras
import numpy as np
import pytest

from medzoo.graph.freezing import freeze, stages, unfreeze
from medzoo.models.classifier import classifier
from medzoo.models.encoders import build_encoder
from medzoo.models.resunet_plus_plus import resunet_plus_plus
from medzoo.models.unet import unet
from medzoo.zoo_model import ZooModel

ENCODER = {"name": "plain", "filters": (4, 4, 4)}
STAGES = ["stage_1", "stage_2", "stage_3"]


def inlined():
    """The layers of the encoder are layers of the model."""
    return classifier((8, 8, 1), encoder=ENCODER)


def nested():
    """The encoder is one layer of the model."""
    image = keras.Input((8, 8, 1))
    x = build_encoder(ENCODER, (8, 8, 1))(image)["stride_8"]
    x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
    return keras.Model(image, keras.layers.Dense(1, name="predictions")(x))


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


both = pytest.mark.parametrize("make", [inlined, nested])


def compile_model(model):
    model.compile(
        keras.optimizers.SGD(0.1), "mse", jit_compile=False if keras.backend.backend() == "tensorflow" else "auto"
    )


def fit(model):
    images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    model.fit(images, np.arange(4.0).reshape(4, 1), batch_size=2, verbose=0)


def leaves(model):
    for layer in model.layers:
        yield from leaves(layer) if isinstance(layer, keras.Model) else [layer]


def weights_by_layer(model):
    return {
        layer.name: [np.array(weight) for weight in layer.get_weights()] for layer in leaves(model) if layer.weights
    }


def changed_by(model, action):
    """Return the layers of which any number changed, statistics of batch normalisation included."""
    before = weights_by_layer(model)
    action(model)
    after = weights_by_layer(model)
    return {name for name in before if not all(map(np.array_equal, before[name], after[name]))}


def layers_of(model, *parts):
    return {layer.name for layer in leaves(model) if layer.weights and layer.name.startswith(parts)}


def trainable_parts(model):
    return {"_".join(layer.name.split("_")[:2]) for layer in leaves(model) if layer.trainable and layer.weights}


@both
def test_stages_are_listed_from_the_input_on(make):
    assert stages(make()) == STAGES


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda: unet((32, 32, 1)), [f"stride_{2**level}" for level in range(6)]),
        (lambda: resunet_plus_plus((8, 8, 1), filters=(8, 8, 8)), ["stem", "stage_1"]),
        (lambda: classifier((32, 32, 1), encoder="resnet10"), ["stem", "stage_1", "stage_2", "stage_3", "stage_4"]),
    ],
)
def test_stages_of_other_encoders(model, expected):
    assert stages(model()) == expected


@both
def test_fit_leaves_a_frozen_encoder_and_its_statistics_as_they_are(make):
    model = make()
    freeze(model)
    compile_model(model)
    assert changed_by(model, fit) == {"predictions"}


@both
def test_fit_changes_all_that_follows_the_last_frozen_stage(make):
    model = make()
    freeze(model, until="stage_2")
    compile_model(model)
    assert changed_by(model, fit) == layers_of(model, "stage_3", "predictions")


@both
def test_frozen_batch_normalisation_works_as_in_inference(make):
    model = make()
    freeze(model)
    images = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    training, inference = (keras.ops.convert_to_numpy(model(images, training=mode)) for mode in (True, False))
    assert training == pytest.approx(inference, abs=1e-6)


@both
def test_model_that_was_trained_before_leaves_what_is_frozen_now(make):
    model = make()
    compile_model(model)
    fit(model)
    freeze(model, until="stage_2")
    compile_model(model)
    assert changed_by(model, fit) == layers_of(model, "stage_3", "predictions")


@both
def test_fit_changes_what_was_unfrozen_after_a_training(make):
    model = make()
    freeze(model)
    compile_model(model)
    fit(model)
    unfreeze(model, since="stage_3")
    compile_model(model)
    assert changed_by(model, fit) == layers_of(model, "stage_3", "predictions")


@both
@pytest.mark.parametrize("change", [freeze, unfreeze])
def test_compiled_model_asks_to_be_compiled_again(make, change):
    model = make()
    compile_model(model)
    change(model)
    with pytest.raises(ValueError, match=r"You must call `compile\(\)`"):
        fit(model)


@both
def test_saved_model_stays_frozen(make, tmp_path):
    model = make()
    freeze(model, until="stage_2")
    model.save(tmp_path / "model.keras")
    copy = keras.saving.load_model(tmp_path / "model.keras")
    assert trainable_parts(copy) == trainable_parts(model) == {"stage_3", "predictions"}
    compile_model(copy)
    assert changed_by(copy, fit) == layers_of(copy, "stage_3", "predictions")
    unfreeze(copy, since="stage_2")
    assert trainable_parts(copy) == {"stage_2", "stage_3", "predictions"}


@both
def test_freezing_less_makes_the_rest_trainable(make):
    model = make()
    freeze(model)
    freeze(model, until="stage_1")
    assert trainable_parts(model) == {*STAGES[1:], "predictions"}


@both
def test_unfreezing_leaves_earlier_stages_as_they_are(make):
    model = make()
    freeze(model, until="stage_1")
    unfreeze(model, since="stage_3")
    assert trainable_parts(model) == {*STAGES[1:], "predictions"}


@both
def test_unfreezing_all_undoes_everything(make):
    model = make()
    everything = len(model.trainable_weights)
    model.trainable = False
    unfreeze(model)
    assert len(model.trainable_weights) == everything


def test_unfreezing_reaches_into_a_frozen_nested_encoder():
    model = nested()
    model.layers[1].trainable = False
    unfreeze(model, since="stage_3")
    assert trainable_parts(model) == {"stage_3", "predictions"}
    assert len(model.trainable_weights) == len(model.get_layer("predictions").weights) + sum(
        len(layer.trainable_weights) for layer in leaves(model) if layer.name.startswith("stage_3")
    )


def test_decoder_of_a_frozen_encoder_is_trainable():
    model = unet((8, 8, 1), encoder={"name": "residual", "filters": (4, 8)})
    freeze(model)
    assert {weight.path.split("_")[0] for weight in model.trainable_weights} == {
        "decoder",
        "probabilities/kernel",
        "probabilities/bias",
    }


def test_zoo_model_is_compiled_again_from_its_recipe(tiny_recipe):
    model = ZooModel.from_recipe(tiny_recipe)
    model.compile_from_recipe()
    freeze(model)
    model.compile_from_recipe()
    images = np.random.default_rng(0).random((4, 16, 16, 1), np.float32)
    changed = changed_by(model, lambda model: model.fit(images, np.round(images), verbose=0))
    assert changed == layers_of(model, "decoder", "probabilities")


@pytest.mark.parametrize("change", [freeze, unfreeze])
def test_unknown_stage_is_named(change):
    with pytest.raises(ValueError, match="Unknown stage 'layer_3'.*'stage_3'.*: stage_1, stage_2, stage_3"):
        change(inlined(), "layer_3")


@pytest.mark.parametrize("change", [freeze, unfreeze])
def test_model_without_stages_is_refused(change):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="dense")], name="mine")
    with pytest.raises(ValueError, match=r"'mine' has no encoder with stages: .*stage_1_.*Received: \['dense'\]"):
        change(model)
