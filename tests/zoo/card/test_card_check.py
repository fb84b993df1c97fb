from dataclasses import replace

import pytest

from medzoo.task import FeatureExtraction
from medzoo.zoo.card.check import check_card
from tests.zoo.card_records import WORDS, make_evaluation


@pytest.fixture
def recipe(tiny_recipe):
    return replace(tiny_recipe, card=WORDS)


def complaints(recipe, evaluation, **changes):
    with pytest.raises(ValueError, match="not complete") as error:
        check_card(replace(recipe, card={**recipe.card, **changes}), evaluation)
    return [text[2:] for text in str(error.value).splitlines() if text.startswith("- ")]


def test_a_complete_card_passes(recipe):
    check_card(recipe, make_evaluation())


def test_all_that_is_missing_is_listed_at_once_with_where_to_write_it(tiny_recipe):
    found = complaints(tiny_recipe, None)
    starts = ("`card.license`", "`card.data.source`", "`card.data.license`", "`card.intended_use`", "evaluation")
    assert [text.split(":")[0] for text in found] == list(starts)


def test_the_message_says_how_to_write_words_and_scores(tiny_recipe):
    with pytest.raises(ValueError, match=r"(?s)medzoo card FOLDER --words.*medzoo evaluate "):
        check_card(tiny_recipe, None)


def test_a_licence_that_the_hub_does_not_know_lists_near_ones(recipe):
    (found,) = complaints(recipe, make_evaluation(), license="CC BY")
    assert "cc-by-4.0" in found


def test_another_licence_needs_a_name(recipe):
    (found,) = complaints(recipe, make_evaluation(), license="other")
    assert "card.license_name" in found
    check_card(replace(recipe, card={**WORDS, "license": "other", "license_name": "our-terms"}), make_evaluation())


@pytest.mark.parametrize("word", ["", " ", "TBD", "n/a", "unknown", None, 5])
def test_a_word_that_says_nothing_counts_as_missing(word, recipe):
    found = complaints(recipe, make_evaluation(), intended_use=word)
    assert found[0].startswith("`card.intended_use`")


@pytest.mark.parametrize("word", ["Axial slices. TODO: sagittal", "[More Information Needed]", "{{ limits }}"])
def test_a_placeholder_is_refused_wherever_it_stands(word, recipe):
    assert complaints(recipe, make_evaluation(), limits=word)[0].startswith("`card.limits`")
    assert complaints(recipe, make_evaluation(), data={**WORDS["data"], "notes": word})[0].startswith(
        "`card.data.notes`"
    )


def test_a_placeholder_must_be_a_word_of_its_own(recipe):
    check_card(replace(recipe, card={**WORDS, "limits": "Métodos: todo el corazón. TODOS. XXXL."}), make_evaluation())


@pytest.mark.parametrize("split", [None, "", "train", "valid", "validation", "train and valid"])
def test_scores_on_another_split_than_test_are_refused(split, recipe):
    (found,) = complaints(recipe, make_evaluation(split=split))
    assert "test split" in found


@pytest.mark.parametrize("split", ["test", "Hospital B", "external test"])
def test_scores_on_unseen_data_pass(split, recipe):
    check_card(recipe, make_evaluation(split=split))


def test_features_alone_need_no_scores(recipe):
    check_card(replace(recipe, task=FeatureExtraction()), None)
