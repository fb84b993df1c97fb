"""The words of a card, written after the training."""

import json

import pytest

from medzoo.entry import read_entry
from medzoo.zoo.save import attach_evaluation


def test_words_are_added_to_those_that_the_recipe_has(tiny_entry):
    attach_evaluation(tiny_entry, words={"license": "mit", "data": {"name": "Scans", "license": "cc0-1.0"}})
    card = attach_evaluation(tiny_entry, words={"license": "cc-by-4.0", "data": {"license": "cc-by-4.0"}})
    words = read_entry(tiny_entry).recipe.card
    assert words == {"license": "cc-by-4.0", "data": {"name": "Scans", "license": "cc-by-4.0"}}
    assert "license: cc-by-4.0" in card.read_text()


def test_words_come_from_a_file_and_leave_the_network_alone(tiny_entry, tmp_path):
    files = read_entry(tiny_entry).manifest["files"]
    (tmp_path / "words.json").write_text(json.dumps({"intended_use": "Teaching."}))
    attach_evaluation(tiny_entry, words=tmp_path / "words.json")
    changed = {name for name, promised in read_entry(tiny_entry).manifest["files"].items() if promised != files[name]}
    assert changed == {"README.md", "recipe.json"}


@pytest.mark.parametrize("words", [["license"], {"data": "Scans"}])
def test_words_that_are_no_object_are_refused(tiny_entry, tmp_path, words):
    (tmp_path / "words.json").write_text(json.dumps(words))
    with pytest.raises(ValueError, match=r"`words` must be a JSON object such as"):
        attach_evaluation(tiny_entry, words=tmp_path / "words.json")
