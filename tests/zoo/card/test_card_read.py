from dataclasses import replace

import pytest

from medzoo.zoo.card.metadata import LARGEST, read_card
from medzoo.zoo.card.render import render_card
from tests.zoo.card_records import LABELS, WORDS, make_evaluation


def card_of(recipe, evaluation):
    task = LABELS[evaluation.task] if evaluation else recipe.task
    return render_card(replace(recipe, card=WORDS, task=task), evaluation, 10, [], repo="me/unet")


@pytest.mark.parametrize("task", LABELS)
def test_a_card_read_back_gives_the_same_evaluation(task, tiny_recipe):
    evaluation = make_evaluation(task)
    assert read_card(card_of(tiny_recipe, evaluation)).evaluation == replace(evaluation, cases=[], curves=None)


def test_a_card_is_read_from_a_file_with_its_metadata(tiny_recipe, tmp_path):
    (tmp_path / "README.md").write_text(card_of(tiny_recipe, make_evaluation()))
    metadata = read_card(tmp_path / "README.md").metadata
    assert metadata.license == "apache-2.0"
    assert metadata["medzoo"]["data_license"] == "cc-by-4.0"


def test_a_card_without_scores_has_no_evaluation(tiny_recipe):
    assert read_card(card_of(tiny_recipe, None)).evaluation is None


BROKEN = {
    "no front matter": "# A card\n",
    "not of medzoo": "---\nlicense: mit\n---\n# A card\n",
    "no YAML": "---\n{[\n---\n",
    "a list": "---\n- a\n---\n",
    "deep": "---\nmedzoo: " + 5000 * "[" + "\n---\n",
    "unknown field": "---\nmedzoo: {evaluation: {task: segmentation, trick: 1}}\n---\n",
    "no record": "---\nmedzoo: {evaluation: [1]}\n---\n",
    "broken model-index": "---\nmedzoo: {}\nmodel-index: {name: x}\n---\n",
    "huge": "---\n" + "a" * LARGEST,
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_card_that_is_none_of_medzoo_is_refused(case, tmp_path):
    (tmp_path / "README.md").write_text(BROKEN[case])
    with pytest.raises(ValueError, match=r"README\.md"):
        read_card(tmp_path / "README.md")
