import json
from pathlib import Path

import pytest

from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Segmentation

CARDS = Path(__file__).resolve().parents[2] / "zoo_cards"
NEEDED = {
    "name": "tiny",
    "task": {"type": "segmentation", "labels": ["background", "tumor"]},
    "preprocessing": {"size": [16, 16]},
    "builder": {"name": "unet"},
}


def make(**fields):
    return Recipe("tiny", Segmentation(), Preprocessing((16, 16)), {"name": "unet"}, **fields)


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def test_recipe_survives_its_file(tmp_path, tiny_recipe):
    tiny_recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == tiny_recipe


def test_recipe_made_of_tuples_equals_the_one_of_its_file(tmp_path):
    recipe = make(augmentation={"flip": ("horizontal",)})
    recipe.save(tmp_path / "recipe.json")
    assert Recipe.load(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize("path", sorted(CARDS.glob("*/recipe.json")), ids=lambda path: path.parent.name)
def test_recipe_of_the_zoo_loads_under_the_name_of_its_folder(path):
    recipe = Recipe.load(path)
    assert recipe.name == path.parent.name
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_four_fields_are_enough():
    recipe = Recipe.from_json(NEEDED)
    assert recipe.task == Segmentation(("background", "tumor"))
    assert recipe.preprocessing == Preprocessing((16, 16))
    assert recipe.optimizer["name"] == "adamw"
    assert recipe.schedule is None
    assert recipe.split == {"valid": 0.2}


def test_loss_is_the_tasks_unless_the_recipe_names_one():
    assert make().loss_name == Segmentation.default_loss
    assert make(loss="focal").loss_name == "focal"


def test_recipe_does_not_change_with_the_mapping_it_was_made_of():
    augmentation = {"flip": ["horizontal"]}
    recipe = make(augmentation=augmentation)
    augmentation["flip"].append("vertical")
    assert recipe.augmentation == {"flip": ["horizontal"]}


def test_defaults_are_not_shared():
    assert make().card is not make().card


@pytest.mark.parametrize("field", ["batch_size", "epochs", "patience"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "20", None])
def test_counts_must_be_whole_numbers_from_one(field, value):
    with pytest.raises(ValueError, match=f"`{field}` must be a whole number of at least 1. Received: {value!r}"):
        make(**{field: value})


@pytest.mark.parametrize("field", ["builder", "optimizer", "augmentation", "card", "split"])
def test_mappings_must_be_mappings(field):
    with pytest.raises(ValueError, match=f"`{field}` must be a mapping.*Received: 'unet'"):
        Recipe.from_json({**NEEDED, field: "unet"})


@pytest.mark.parametrize("value", [float("nan"), {1, 2}])
def test_values_must_be_what_json_has(value):
    with pytest.raises(ValueError, match="`augmentation` must hold values that JSON has"):
        make(augmentation={"scale": value})


@pytest.mark.parametrize("field", ["builder", "optimizer"])
def test_named_parts_need_a_name(field):
    with pytest.raises(ValueError, match=f"`{field}` must hold a 'name'"):
        Recipe.from_json({**NEEDED, field: {"learning_rate": 1}})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 3}, "Unknown recipe field 'epoch'. Did you mean 'epochs'"),
        ({"epochs": 0}, "`epochs` must be a whole number"),
        (
            {"task": {"type": "segmentation", "label": []}},
            "field of the task 'segmentation' 'label'. Did you mean 'labels",
        ),
        ({"preprocessing": {"sizes": 3}}, "field of the preprocessing 'sizes'. Did you mean 'size'"),
        ({"preprocessing": {}}, "size"),
        ({"task": None}, ""),
    ],
)
def test_error_in_a_file_names_the_file_and_the_field(tmp_path, change, message):
    path = write(tmp_path / "broken.json", {**NEEDED, **change})
    with pytest.raises(ValueError, match="broken.json") as caught:
        Recipe.load(path)
    assert message in str(caught.value)


def test_missing_fields_are_all_named(tmp_path):
    path = write(tmp_path / "short.json", {"name": "tiny", "builder": {"name": "unet"}})
    with pytest.raises(ValueError, match="short.json: A recipe needs the fields task, preprocessing"):
        Recipe.load(path)


def test_missing_file_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.json"):
        Recipe.load(tmp_path / "none.json")


def test_file_that_is_not_json_is_named(tmp_path):
    (tmp_path / "text.json").write_text("{name: tiny}")
    with pytest.raises(ValueError, match="text.json is not valid JSON"):
        Recipe.load(tmp_path / "text.json")
