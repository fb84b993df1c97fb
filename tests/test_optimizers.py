from dataclasses import replace

import keras
import pytest

from medzoo.optimizers import FINE_TUNING_FACTOR, OPTIMIZERS, make_optimizer
from medzoo.recipe import Schedule

COSINE = {"name": "cosine", "warmup_epochs": 2}


def rate(optimizer, step):
    """Return the learning rate at a step of the training."""
    optimizer.build([])
    optimizer.iterations.assign(step)
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))


@pytest.fixture
def recipe(tiny_recipe):
    return replace(tiny_recipe, optimizer={"name": "sgd", "learning_rate": 0.5}, schedule=COSINE, epochs=10)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", [None, *({"name": name} for name in Schedule.NAMES)], ids=str)
def test_every_name_makes_its_optimizer(recipe, name, schedule):
    optimizer = make_optimizer(replace(recipe, optimizer={"name": name}, schedule=schedule), steps_per_epoch=5)
    assert isinstance(optimizer, OPTIMIZERS[name])
    assert rate(optimizer, 0) == pytest.approx(1e-3)


def test_arguments_are_passed_on(recipe):
    arguments = {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0.25, "beta_1": 0.5}
    optimizer = make_optimizer(replace(recipe, optimizer=arguments), steps_per_epoch=5)
    assert (optimizer.weight_decay, optimizer.beta_1) == (0.25, 0.5)


def test_rate_rises_over_the_warm_up_and_falls_to_zero(recipe):
    optimizer = make_optimizer(recipe, steps_per_epoch=5)
    assert rate(optimizer, 0) == pytest.approx(0, abs=1e-7)
    assert rate(optimizer, 5) == pytest.approx(0.25)
    assert rate(optimizer, 10) == pytest.approx(0.5)
    assert rate(optimizer, 30) == pytest.approx(0.25)
    assert rate(optimizer, 50) == pytest.approx(0, abs=1e-7)


def test_rate_without_warm_up_starts_at_its_peak(recipe):
    optimizer = make_optimizer(replace(recipe, schedule={"name": "cosine"}), steps_per_epoch=5)
    assert rate(optimizer, 0) == pytest.approx(0.5)
    assert rate(optimizer, 25) == pytest.approx(0.25)
    assert rate(optimizer, 50) == pytest.approx(0, abs=1e-7)


def test_rate_without_schedule_is_constant(recipe):
    optimizer = make_optimizer(replace(recipe, schedule=None), steps_per_epoch=5)
    assert rate(optimizer, 0) == rate(optimizer, 40) == pytest.approx(0.5)


def test_schedule_of_a_later_phase_goes_on_where_the_first_ended(recipe):
    whole, later = (make_optimizer(recipe, steps_per_epoch=5, first_epoch=epoch) for epoch in (0, 6))
    assert rate(later, 0) == pytest.approx(rate(whole, 30)) == pytest.approx(0.25)
    assert rate(later, 10) == pytest.approx(rate(whole, 40))


@pytest.mark.parametrize("arguments", [{"name": "sgd", "momentum": 0.9}, {"name": "adamw", "weight_decay": 0.5}])
def test_factor_of_a_variable_is_a_factor_of_its_steps(recipe, arguments):
    """With momentum, moments and weight decay, over several steps, as at another learning rate."""

    def steps(learning_rate, factors):
        recipe_ = replace(recipe, optimizer={**arguments, "learning_rate": learning_rate}, schedule=None)
        variables = [keras.Variable([1.0, -2.0], name=name) for name in ("slow", "fast")]
        optimizer = make_optimizer(recipe_, 5, factors=factors)
        for gradient in ([0.3, -0.1], [0.2, 0.4], [-0.5, 0.1]):
            optimizer.apply([keras.ops.convert_to_tensor(gradient)] * 2, variables)
        return [keras.ops.convert_to_numpy(variable).tolist() for variable in variables]

    slow, fast = steps(0.1, {"slow": 0.25})
    assert fast == pytest.approx(steps(0.1, None)[1])
    # Adam's weight decay changes the value that the next one is taken of, in the same proportion.
    assert slow == pytest.approx(steps(0.025, None)[0], rel=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_gradients_are_accumulated_over_steps(recipe, name):
    arguments = {"name": name, "learning_rate": 0.1, "gradient_accumulation_steps": 2}
    variable = keras.Variable([1.0])
    optimizer = make_optimizer(replace(recipe, optimizer=arguments, schedule=None), 5, factors={variable.path: 0.5})
    values = []
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor([1.0])], [variable])
        values.append(float(variable.numpy()[0]))
    assert values[0] == 1
    assert values[1] < 1


def test_fine_tuning_takes_a_constant_tenth(recipe):
    optimizer = make_optimizer(recipe)
    assert rate(optimizer, 0) == rate(optimizer, 40) == pytest.approx(0.5 * FINE_TUNING_FACTOR)


def test_optimizer_does_not_change_the_recipe(recipe):
    before = recipe.to_json()
    make_optimizer(recipe, steps_per_epoch=5)
    assert recipe.to_json() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": {"name": "adamW"}}, "Unknown optimizer 'adamW'. Did you mean .*'adamw'"),
        (
            {"optimizer": {"name": "sgd", "decay_weight": 1}},
            "field of the optimizer 'sgd' 'decay_weight'",
        ),
        ({"schedule": {"name": "cosin"}}, "Unknown schedule 'cosin'. Did you mean 'cosine'"),
        (
            {"schedule": {"name": "cosine", "warmup": 1}},
            "field of the schedule 'cosine' 'warmup'. Did you mean 'warmup_epochs'",
        ),
        ({"schedule": {"name": "cosine", "warmup_epochs": 10}}, "`warmup_epochs` must be below the 10 epochs"),
    ],
)
def test_what_is_unknown_is_named(recipe, change, message):
    with pytest.raises(ValueError, match=message):
        make_optimizer(replace(recipe, **change), steps_per_epoch=5)
