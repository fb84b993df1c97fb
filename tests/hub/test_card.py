import json
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

import medzoo
from medzoo.entry import read_entry
from medzoo.evaluation.save import save_report
from medzoo.hub.card import render_card
from medzoo.hub.save import attach_evaluation

CARD = {
    "summary": "Finds drawn lesions.",
    "modality": "drawing",
    "license": "apache-2.0",
    "tags": ["drawing"],
    "intended_use": "Tests.",
    "limits": "No patient was drawn.",
    "data": {"name": "Synthetic scans", "license": "Apache-2.0", "source": "medzoo"},
}


@pytest.fixture
def evaluation(tiny_model, coco_folder):
    test = medzoo.data.read(coco_folder).part("test")
    return medzoo.evaluate(tiny_model, test, data_name="Synthetic scans")


@pytest.fixture
def card_model(tiny_model, evaluation):
    tiny_model.recipe = replace(tiny_model.recipe, card=CARD)
    tiny_model.evaluation = evaluation
    return tiny_model


def test_card_of_an_evaluated_model_has_valid_metadata_and_sections(card_model, evaluation, tmp_path):
    text = (medzoo.save(card_model, tmp_path / "entry") / "README.md").read_text()
    card = ModelCard(text)
    assert card.data.license == "apache-2.0"
    assert card.data.pipeline_tag == "image-segmentation"
    assert card.data.library_name == "keras"
    assert card.data.model_name == "tiny-unet"
    results = {result.metric_type: result for result in card.data.eval_results}
    assert results["dice"].metric_value == evaluation["dice"]
    assert results["dice"].dataset_name == "Synthetic scans"
    assert results["dice"].dataset_split == "test"
    assert results["dice"].metric_args["interval"] == [evaluation.scores["dice"][end] for end in ("low", "high")]
    for words in (
        "Finds drawn lesions.",
        "## Intended use",
        "## Limits",
        "Not a medical device",
        "figures/confusion.png",
    ):
        assert words in text


def test_card_without_words_leaves_the_sections_out_and_no_placeholder(tiny_recipe):
    text = render_card(tiny_recipe, None, 10, [])
    assert "## Intended use" not in text
    assert "## Scores" not in text
    assert not any(mark in text for mark in ("{{", "}}", "None", "[More Information Needed]", "TODO"))


def test_every_figure_on_the_card_is_in_the_entry(card_model, tmp_path):
    entry = medzoo.save(card_model, tmp_path / "entry")
    shown = [line.split("](")[1].rstrip(")") for line in (entry / "README.md").read_text().splitlines() if "![" in line]
    assert shown
    assert all((entry / name).is_file() for name in shown)


def test_loaded_model_has_the_evaluation_that_was_saved(card_model, evaluation, tmp_path):
    assert medzoo.load(medzoo.save(card_model, tmp_path / "entry")).evaluation == evaluation


def test_attach_evaluation_adds_scores_to_an_entry_and_keeps_it_whole(tiny_entry, evaluation, tmp_path):
    save_report(evaluation, tmp_path / "run")
    weights = (tiny_entry / "model.weights.h5").read_bytes()
    card = attach_evaluation(tiny_entry, tmp_path / "run")
    assert "## Scores" in card.read_text()
    assert read_entry(tiny_entry).evaluation == json.loads(json.dumps(evaluation.to_json()))
    assert (tiny_entry / "model.weights.h5").read_bytes() == weights


def test_attach_evaluation_of_a_run_without_one_tells_the_command(tiny_entry, tmp_path):
    before = (tiny_entry / "README.md").read_text()
    with pytest.raises(FileNotFoundError, match="medzoo evaluate"):
        attach_evaluation(tiny_entry, tmp_path)
    assert (tiny_entry / "README.md").read_text() == before
