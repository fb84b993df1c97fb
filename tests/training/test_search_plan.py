"""What a search tries."""

import pytest

pytest.importorskip("optuna")

from medzoo.training.search.plan import Grid, Plan

RATE = "optimizer.learning_rate"


def test_a_grid_has_every_combination_once():
    points = Grid({RATE: [1, 2], "epochs": [3, 4, 5]}).points("grid")
    assert len(points) == 6
    assert {(point[RATE], point["epochs"]) for point in points} == {(a, b) for a in (1, 2) for b in (3, 4, 5)}


def test_lists_and_mappings_are_values_too():
    values = [{"name": "sgd", "momentum": 0.9}, {"name": "adamw"}]
    grid = Grid({"optimizer": values, "builder.encoder.filters": [[4, 8], [8, 8]]})
    found = [grid.decode(point) for point in grid.points("grid")]
    assert found[1] == {"optimizer": values[0], "builder.encoder.filters": [8, 8]}
    assert len(grid.distributions["optimizer"].choices) == 2


def test_random_points_lie_in_their_ranges_and_are_whole_where_the_ends_are():
    grid = Grid({RATE: {"low": 1e-5, "high": 1e-2, "log": True}, "batch_size": {"low": 2, "high": 8, "step": 2}})
    points = grid.points("random", 20)
    assert all(1e-5 <= point[RATE] <= 1e-2 for point in points)
    assert {point["batch_size"] for point in points} == {2, 4, 6, 8}


def test_more_random_points_begin_with_the_same():
    grid = Grid({RATE: {"low": 0.1, "high": 1.0}})
    assert grid.points("random", 5, seed=1)[:3] == grid.points("random", 3, seed=1)
    assert grid.points("random", 3, seed=2) != grid.points("random", 3, seed=1)


def test_a_change_keeps_the_other_values(tiny_recipe):
    changed = tiny_recipe.with_({"builder.encoder.dropout": 0.2, "epochs": 7})
    assert changed.builder == {"name": "unet", "encoder": {"name": "plain", "filters": [8], "dropout": 0.2}}
    assert changed.epochs == 7
    assert changed.optimizer == tiny_recipe.optimizer
    assert "dropout" not in tiny_recipe.builder["encoder"]


def test_a_loss_by_name_becomes_a_mapping_when_a_field_of_it_is_set(tiny_recipe):
    assert tiny_recipe.with_({"loss.smoothing": 0.1}).loss["name"] == tiny_recipe.loss_name


def test_a_part_is_set_before_its_fields(tiny_recipe):
    changed = tiny_recipe.with_({"optimizer.momentum": 0.9, "optimizer": {"name": "sgd"}})
    assert changed.optimizer == {"name": "sgd", "momentum": 0.9}


def test_an_unknown_field_names_the_near_one():
    with pytest.raises(ValueError, match="Unknown recipe field to search 'optimzer'. Did you mean 'optimizer'"):
        Grid({"optimzer.learning_rate": [1e-3]})


@pytest.mark.parametrize("path", ["split.valid", "task", "expected.val_dice"])
def test_what_trials_are_judged_by_cannot_be_searched(path):
    with pytest.raises(ValueError, match=f"Unknown recipe field to search '{path}'"):
        Grid({path: [0.1, 0.2]})


def test_a_field_of_what_has_no_fields_is_an_error(tiny_recipe):
    with pytest.raises(ValueError, match="'epochs.most' is no recipe field, since 'epochs' is 3"):
        tiny_recipe.with_({"epochs.most": 5})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "must map recipe fields to values"),
        ({"epochs": 5}, "'epochs' must be a list of values or"),
        ({"epochs": []}, "'epochs' must be a list of values or"),
        ({"epochs": [5, 5]}, "'epochs' holds a value twice"),
        ({"epochs": {"low": 1, "hihg": 5}}, "Unknown key of the range 'epochs' 'hihg'. Did you mean 'high'"),
        ({"epochs": {"low": 1}}, "The range 'epochs' must be"),
        ({"epochs": {"low": 5, "high": 1}}, "The range 'epochs' must be"),
    ],
)
def test_values_that_are_neither_list_nor_range_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Grid(values)


@pytest.mark.parametrize(
    ("sampler", "trials", "message"),
    [
        ("grid", None, "'epochs' is a range. Give a list, or choose"),
        ("random", None, "The sampler 'random' needs `trials`"),
        ("tpe", 0, "The sampler 'tpe' needs `trials`"),
        ("tp", 3, "Unknown sampler 'tp'. Did you mean 'tpe'"),
    ],
)
def test_a_sampler_that_does_not_fit_is_refused(tiny_recipe, sampler, trials, message):
    with pytest.raises(ValueError, match=message):
        Plan(tiny_recipe, Grid({"epochs": {"low": 1, "high": 5}}), sampler, trials).check()


def test_a_grid_takes_no_number_of_trials(tiny_recipe):
    with pytest.raises(ValueError, match="tries every combination"):
        Plan(tiny_recipe, Grid({"epochs": [1, 2]}), trials=2).check()


def test_a_point_that_makes_no_valid_recipe_is_refused(tiny_recipe):
    with pytest.raises(ValueError, match="cannot be changed to {'epochs': 0}: .*at least 1"):
        Plan(tiny_recipe, Grid({"epochs": [3, 0]})).check()


def test_a_bad_grid_file_is_named(tmp_path):
    (tmp_path / "grid.json").write_text('{"epoch": [1, 2]}')
    with pytest.raises(ValueError, match=r"grid.json: Unknown recipe field to search 'epoch'. Did you mean 'epochs'"):
        Grid.load(tmp_path / "grid.json")
