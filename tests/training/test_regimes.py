"""Which stages learn in which epochs."""

from dataclasses import replace

import pytest

from medzoo.training.regimes import Phase, cached_views, phases, rate_factors

STAGES = ["stem", "stage_1", "stage_2"]


def with_freezing(recipe, epochs=10, **freezing):
    return replace(recipe, epochs=epochs, freezing=freezing)


def test_without_freezing_everything_learns_from_the_first_epoch(tiny_recipe):
    assert phases(tiny_recipe, STAGES) == phases(tiny_recipe, []) == [Phase(0, tiny_recipe.epochs)]


def test_frozen_keeps_the_encoder_to_the_end(tiny_recipe):
    assert phases(with_freezing(tiny_recipe, name="frozen"), STAGES) == [Phase(0, 10, tuple(STAGES))]


def test_frozen_until_a_stage_leaves_the_later_ones(tiny_recipe):
    recipe = with_freezing(tiny_recipe, name="frozen", until="stage_1")
    assert phases(recipe, STAGES) == [Phase(0, 10, ("stem", "stage_1"))]


def test_gradual_unfreezes_one_stage_after_the_other_from_the_deepest_on(tiny_recipe):
    recipe = with_freezing(tiny_recipe, name="gradual", frozen_epochs=3, stage_epochs=2)
    assert phases(recipe, STAGES) == [
        Phase(0, 3, ("stem", "stage_1", "stage_2")),
        Phase(3, 5, ("stem", "stage_1")),
        Phase(5, 7, ("stem",)),
        Phase(7, 10, ()),
    ]


def test_gradual_since_a_stage_leaves_the_earlier_ones_frozen(tiny_recipe):
    recipe = with_freezing(tiny_recipe, name="gradual", frozen_epochs=3, stage_epochs=2, since="stage_2")
    assert phases(recipe, STAGES) == [Phase(0, 3, tuple(STAGES)), Phase(3, 10, ("stem", "stage_1"))]


def test_rates_fall_towards_the_input(tiny_recipe):
    recipe = with_freezing(tiny_recipe, name="full", rate_factor=0.5)
    assert rate_factors(recipe, STAGES) == {"stage_2": 0.5, "stage_1": 0.25, "stem": 0.125}
    assert rate_factors(tiny_recipe, STAGES) == {}


def test_features_are_kept_where_images_do_not_change(tiny_recipe):
    frozen = with_freezing(tiny_recipe, name="frozen")
    assert cached_views(frozen) is None
    assert cached_views(replace(frozen, augmentation={})) == 0
    assert cached_views(with_freezing(tiny_recipe, name="frozen", views=4)) == 4


@pytest.mark.parametrize(
    ("freezing", "message"),
    [
        ({"name": "frosen"}, "Unknown freezing 'frosen'. Did you mean 'frozen'"),
        ({"name": "frozen", "untill": "stem"}, "Unknown field of the freezing 'frozen' 'untill'. Did you mean 'until'"),
        ({"name": "frozen", "until": "stage_3"}, "Unknown stage 'stage_3'. Did you mean 'stage_[12]'"),
        ({"name": "gradual", "since": "stage_9"}, "Unknown stage 'stage_9'"),
        ({"name": "gradual", "stage_epochs": 0}, "`freezing.stage_epochs` must be a whole number of at least 1"),
        ({"name": "frozen", "views": -1}, "`freezing.views` must be a whole number of at least 0"),
        ({"name": "full", "rate_factor": 2}, "`freezing.rate_factor` must be a number above 0 and at most 1"),
        (
            {"name": "gradual", "frozen_epochs": 6, "stage_epochs": 2},
            "schedule is longer than the training: the stage 'stem' is unfrozen after 10 epochs, the recipe has 10",
        ),
    ],
)
def test_what_does_not_fit_is_named(tiny_recipe, freezing, message):
    with pytest.raises(ValueError, match=message):
        phases(with_freezing(tiny_recipe, **freezing), STAGES)


def test_a_network_without_stages_cannot_be_frozen(tiny_recipe):
    with pytest.raises(ValueError, match="has no encoder with stages"):
        phases(with_freezing(tiny_recipe, name="frozen"), [])
