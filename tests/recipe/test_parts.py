"""Wrong values anywhere in a recipe are refused when it is made, with the field and what was expected."""

import inspect
import json
from pathlib import Path

import keras
import pytest

from medzoo.losses import LOSSES
from medzoo.metrics import METRICS
from medzoo.models.builders import BUILDERS, build
from medzoo.models.encoders import ENCODERS
from medzoo.optimizers import OPTIMIZERS, make_optimizer
from medzoo.recipe import Augmentation, Builder, Loss, Optimizer, Recipe, builder, learning, schema
from medzoo.recipe.overrides import parse
from tests.recipe.test_recipe import NEEDED

WRONG = [
    ({"schedule": {"name": "cosin"}}, "Unknown schedule 'cosin'. Did you mean 'cosine'"),
    ({"schedule": {"name": "cosine", "warmup": 1}}, "field of the schedule 'cosine' 'warmup'. Did you mean 'warmup_ep"),
    ({"schedule": {"name": "plateau", "factor": 1}}, "`schedule.factor` must be a number above 0 and below 1"),
    ({"optimizer": {"name": "adm"}}, "Unknown optimizer 'adm'. Did you mean 'adam'"),
    ({"optimizer": {"name": "adam", "momentum": 0.9}}, "field of the optimizer 'adam' 'momentum'"),
    (
        {"optimizer": {"name": "sgd", "momentum": 2}},
        "`optimizer.momentum` must be a number of at least 0 and at",
    ),
    ({"optimizer": {"name": "adam", "learning_rate": 0}}, "`optimizer.learning_rate` must be a number above 0"),
    ({"optimizer": {"name": "adam", "learning_rate": "0.1"}}, "must be a number above 0. Received: '0.1'"),
    ({"loss": "focl"}, "Unknown loss 'focl'. Did you mean 'focal'"),
    ({"loss": "huber"}, "Unknown loss for segmentation 'huber'"),
    ({"loss": {"name": "focal", "gamma": -1}}, "`loss.gamma` must be a number of at least 0"),
    ({"builder": {"name": "unett"}}, "Unknown builder 'unett'. Did you mean 'unet'"),
    ({"builder": {"name": "unet", "depth": 3}}, "field of the builder 'unet' 'depth'"),
    ({"builder": {"name": "unet", "encoder": "resnet19"}}, "Unknown encoder 'resnet19'. Did you mean 'resnet1"),
    ({"builder": {"name": "unet", "encoder": {"name": "plain", "width": 3}}}, "field of the encoder 'plain' 'width'"),
    ({"builder": {"name": "unet", "encoder": {"name": "plain", "dropout": 1}}}, "`builder.encoder.dropout` must be"),
    ({"builder": {"name": "ensemble", "of": {"name": "unett"}}}, "Unknown builder 'unett'"),
    ({"freezing": {"name": "frosen"}}, "Unknown freezing 'frosen'. Did you mean 'frozen'"),
    ({"freezing": {"name": "gradual", "stage_epochs": 0}}, "`freezing.stage_epochs` must be a whole number"),
    ({"augmentation": {"rotatoin": 3}}, "field of the augmentation 'rotatoin'. Did you mean 'rotation'"),
    ({"augmentation": {"scale": -1}}, "`augmentation.scale` must be a number of at least 0"),
    ({"augmentation": {"flip": ["left"]}}, "Unknown augmentation flip 'left'"),
    ({"augmentation": {"quarter_turns": "yes"}}, "`augmentation.quarter_turns` must be true or false"),
    ({"balance": {"sampling": "balancd"}}, "Unknown balance sampling 'balancd'. Did you mean 'balanced'"),
    ({"balance": {"sampling": "balanced"}}, "Balanced sampling draws labels of images"),
    ({"balance": {"class_weights": {"tumor": -1}}}, "`balance.class_weights` must be"),
    ({"split": {"valid": 1.0}}, "`split.valid` must be a number of at least 0 and below 1"),
    ({"split": {"valid": 0.6, "test": 0.5}}, "must sum to less than 1"),
    ({"split": {"fraction": 0}}, "`split.fraction` must be a number above 0 and at most 1"),
    ({"split": {"validation": 0.2}}, "field of the split 'validation'. Did you mean 'valid'"),
    ({"devices": 0}, "`devices` must be a whole number of at least 1"),
    ({"devices": 1.5}, "`devices` must be"),
    ({"devices": True}, "`devices` must be"),
    ({"devices": "al"}, "Unknown devices 'al'. Did you mean 'all'"),
    ({"precision": "bfloat"}, "Unknown precision 'bfloat'. Did you mean 'bfloat16'"),
    ({"precision": 16}, "`precision` must be one of"),
    ({"seed": "0"}, "`seed` must be a whole number"),
    ({"seed": True}, "`seed` must be a whole number"),
    ({"seed": -1}, "`seed` must be a whole number"),
    ({"seed": 2**32}, "`seed` must be a whole number"),
    ({"epochs": True}, "`epochs` must be a whole number"),
    ({"weights": 3}, "`weights` must be a text"),
    ({"weights": ""}, "`weights` must be a text"),
    ({"name": " "}, "`name` must be a text"),
    ({"preprocessing": {"size": [True, 64]}}, "`size` must be"),
    ({"augmentation": {"rotation": False}}, "`augmentation.rotation` must be a number"),
    ({"augmentation": {"quarter_turns": 0}}, "`augmentation.quarter_turns` must be true or false"),
    ({"augmentation": {"rotation": 10**400}}, "`augmentation.rotation` must be a number"),
    ({"augmentation": {"flip": [["horizontal"]]}}, "`augmentation.flip` must be a list"),
    ({"builder": {"name": "unet", "encoder": {"name": ["plain"]}}}, "Unknown encoder"),
    ({"builder": {"name": "classifier", "pooling": "avgg"}}, "Unknown builder pooling 'avgg'. Did you mean 'avg'"),
    (
        {"builder": {"name": "classifier", "hidden_activation": "rellu"}},
        "Unknown builder hidden_activation 'rellu'. Did you mean 'relu'",
    ),
    ({"builder": {"name": "regressor", "hidden_activation": 3}}, "`builder.hidden_activation` must be one of"),
    ({"optimizer": {"name": "tests>Slow", "learning_rate": "1"}}, "`optimizer.learning_rate` must be a number above 0"),
    ({"metrics": ["dise"]}, "Unknown metrics 'dise'. Did you mean 'dice'"),
    ({"monitor": "mae"}, "Unknown monitor 'mae'"),
    ({"monitor": "auc"}, "Unknown metric for segmentation 'auc'"),
    ({"metrics": ["accuracy"]}, "Unknown metric for segmentation 'accuracy'. Did you mean 'pixel_accuracy'"),
    ({"card": {"x": float("nan")}}, "`card` must hold values that JSON has"),
]


@pytest.mark.parametrize(("fields", "message"), WRONG, ids=[str(fields) for fields, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_field(fields, message):
    with pytest.raises(ValueError, match=".") as caught:
        Recipe.from_json({**NEEDED, **fields})
    assert message in str(caught.value)


def test_parts_are_typed_and_mappings():
    recipe = Recipe.from_json({**NEEDED, "optimizer": {"name": "sgd", "momentum": 0.9}, "loss": "focal"})
    assert recipe.optimizer == {"name": "sgd", "momentum": 0.9}
    assert recipe.optimizer.learning_rate == 1e-3
    assert recipe.loss.name == "focal"
    assert recipe.to_json()["loss"] == "focal"


def test_what_is_monitored_is_also_measured():
    recipe = Recipe.from_json({**NEEDED, "metrics": ["dice"], "monitor": "pixel_accuracy"})
    assert recipe.metric_names == ("dice", "pixel_accuracy")
    assert recipe.validation_score == "val_pixel_accuracy"
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_unset_metrics_are_not_written():
    assert not {"metrics", "monitor"} & Recipe.from_json(NEEDED).to_json().keys()
    assert Recipe.from_json({**NEEDED, "metrics": ["dice"]}).to_json()["metrics"] == ["dice"]


def arguments_of(function, *left_out):
    names = inspect.signature(function).parameters
    return {name for name in names if name not in {"input_shape", "name", "kwargs", "reduction", "dtype", *left_out}}


@pytest.mark.parametrize("name", sorted(set(BUILDERS) - {"regressor"}))
def test_table_of_builders_is_that_of_the_functions(name):
    own = arguments_of(BUILDERS[name].build, "outputs", "activation", "weights")
    assert set(Builder.NAMES[name]) == own


def test_tables_of_names_are_those_of_what_makes_them():
    assert set(Builder.NAMES) - {"converted", "estimator"} == set(BUILDERS)
    assert set(builder.ENCODERS) == set(ENCODERS)
    assert set(Loss.NAMES) == set(LOSSES)
    assert set(Optimizer.NAMES) == set(OPTIMIZERS)
    assert set(learning.METRICS) == set(METRICS)


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_table_of_encoders_is_that_of_the_functions(name):
    assert set(builder.ENCODERS[name]) == arguments_of(ENCODERS[name].build)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_table_of_optimizers_is_that_of_keras(name):
    assert set(Optimizer.NAMES[name]) == arguments_of(OPTIMIZERS[name])


@pytest.mark.parametrize("name", ["crossentropy", "dice_crossentropy", "huber", "mae", "mse"])
def test_table_of_losses_is_that_of_the_functions(name):
    assert set(Loss.NAMES[name]) == arguments_of(LOSSES[name])


@keras.saving.register_keras_serializable("tests")
class Slow(keras.optimizers.SGD):
    pass


def test_a_registered_class_of_a_user_is_made():
    recipe = Recipe.from_json({**NEEDED, "optimizer": {"name": "tests>Slow", "learning_rate": 0.5, "momentum": 0.1}})
    optimizer = make_optimizer(recipe)
    assert isinstance(optimizer, Slow)
    assert optimizer.momentum == 0.1


@keras.saving.register_keras_serializable("tests")
def wave(x):
    return keras.ops.sin(x)


def test_a_registered_activation_of_a_user_is_taken():
    head = {"encoder": {"name": "plain", "filters": [4]}, "hidden": [3], "hidden_activation": "tests>wave"}
    network = build(Builder("classifier", head), (8, 8, 1), 1, "sigmoid")
    assert network.get_layer("head_1_dense").activation is wave


def test_an_unregistered_class_is_named():
    recipe = Recipe.from_json({**NEEDED, "optimizer": {"name": "tests>Fast"}})
    with pytest.raises(ValueError, match="no object registered as 'tests>Fast'. Import"):
        make_optimizer(recipe)


def test_values_are_changed_by_path():
    recipe = Recipe.from_json(NEEDED).with_({"optimizer.learning_rate": 0.01, "loss.smoothing": 2}, epochs=5)
    assert recipe.optimizer == {"name": "adamw", "learning_rate": 0.01}
    assert recipe.loss == {"name": "dice_crossentropy", "smoothing": 2}
    assert recipe.epochs == 5


def test_a_path_that_is_no_field_is_named():
    with pytest.raises(ValueError, match=r"Unknown recipe field 'epoch'. Did you mean 'epochs'"):
        Recipe.from_json(NEEDED).with_(epoch=5)


def test_settings_are_json_or_text():
    assert parse(["epochs=5", "precision=float32", "builder.filters=[8, 16]"]) == {
        "epochs": 5,
        "precision": "float32",
        "builder.filters": [8, 16],
    }


@pytest.mark.parametrize("setting", ["epochs", "=5", " =5"])
def test_a_setting_without_field_and_value_is_refused(setting):
    with pytest.raises(ValueError, match="FIELD=VALUE"):
        parse([setting])


def test_schema_names_every_field():
    described = schema()["properties"]
    assert set(described) == set(Recipe.__dataclass_fields__)
    assert set(described["augmentation"]["properties"]) == set(Augmentation.VALUES)
    assert schema()["required"] == ["name", "task", "preprocessing", "builder"]


ROOT = Path(__file__).resolve().parents[2]
RECIPES = sorted([*ROOT.glob("zoo_cards/*/recipe.json"), *ROOT.glob("tests/frozen/*/recipe.json")])


def schema_errors(recipe):
    jsonschema = pytest.importorskip("jsonschema")
    return list(jsonschema.Draft202012Validator(schema()).iter_errors(recipe))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_recipes_of_the_repository_fit_the_schema_and_are_written_as_they_were_read(path):
    recipe = json.loads(path.read_text())
    assert schema_errors(recipe) == []
    assert Recipe.from_json(recipe).to_json() == recipe


@pytest.mark.parametrize(
    "fields",
    [{"epoch": 5}, {"epochs": "5"}, {"optimizer": {"name": "adm"}}, {"schedule": "cosine"}, {"split": {"valid": 1}}],
    ids=str,
)
def test_wrong_recipes_do_not_fit_the_schema(fields):
    assert schema_errors({**NEEDED, **fields})


def test_choices_of_networks_are_those_of_the_functions():
    from medzoo.models.classifier import POOLINGS
    from medzoo.models.encoders.backbones import FORMS
    from medzoo.models.encoders.resnet import SHORTCUTS

    assert Builder.NAMES["classifier"]["pooling"].names == POOLINGS
    assert builder.ENCODERS["resnet18"]["shortcut"].names == SHORTCUTS
    own = {name for name in dir(keras.activations) if not name.startswith("_")} - {"deserialize", "get", "serialize"}
    assert own == set(builder.ACTIVATIONS)
    assert tuple(builder.ENCODERS["mobilenetv2"]["form"].names) == FORMS
