import json
from dataclasses import replace

import pytest
import yaml
from huggingface_hub import ModelCard

from medzoo.entry import read_entry
from medzoo.files import write_json
from medzoo.zoo.card.render import render_card
from medzoo.zoo.save import attach_evaluation
from tests.zoo.card_records import WORDS, make_evaluation


@pytest.fixture
def recipe(tiny_recipe):
    return replace(tiny_recipe, card=WORDS)


def metadata(recipe, **changes):
    return ModelCard(render_card(replace(recipe, card={**recipe.card, **changes}), make_evaluation(), 10, [])).data


def test_metadata_has_what_the_hub_filters_by(recipe):
    data = metadata(recipe)
    assert data.library_name == "keras"
    assert data.license == "apache-2.0"
    assert data.pipeline_tag == "image-segmentation"
    assert data.tags == ["medzoo", "medical", "medical-imaging", "segmentation", "mri", "2d", "drawing"]
    assert data.datasets == ["synthetic-scans"]
    assert data.metrics == ["dice", "dice_per_case", "accuracy"]
    assert "widget" not in data


def test_the_model_index_has_every_score_that_the_hub_shows_with_its_interval(recipe):
    data = metadata(recipe)
    assert data.model_name == "tiny-unet"
    results = {result.metric_type: result for result in data.eval_results}
    assert list(results) == data.metrics
    dice = results["dice"]
    assert (dice.metric_value, dice.metric_args) == (0.8125, {"interval": [0.75, 0.875], "level": "95%"})
    assert (dice.dataset_name, dice.dataset_type, dice.dataset_split) == ("Synthetic scans", "synthetic-scans", "test")
    assert results["accuracy"].metric_args is None


def test_the_hub_accepts_the_metadata(recipe, hub):
    hub.forget()
    ModelCard(render_card(recipe, make_evaluation(), 10, [], repo="tester/unet")).validate()
    assert hub.requests() == ["POST /api/validate-yaml"]


def test_metadata_is_the_same_through_yaml(recipe):
    text = render_card(recipe, make_evaluation(), 10, [])
    assert yaml.safe_load(text.split("---\n")[1]) == ModelCard(text).data.to_dict()


def test_a_licence_is_written_as_the_hub_knows_it(recipe):
    assert metadata(recipe, license="CC BY-NC 4.0").license == "cc-by-nc-4.0"


@pytest.mark.parametrize("words", [{"license": "Our Terms 1"}, {"license": "other", "license_name": "Our Terms 1"}])
def test_a_licence_that_the_hub_does_not_know_has_a_name(words, recipe):
    data = metadata(recipe, **words, license_link="https://example.org/terms")
    assert (data.license, data.license_name, data.license_link) == ("other", "our-terms-1", "https://example.org/terms")


def test_datasets_are_named_by_their_identifier_on_the_hub(recipe):
    data = metadata(recipe, data={**WORDS["data"], "id": "owner/scans"})
    assert data.datasets == ["owner/scans"]
    assert data.eval_results[0].dataset_type == "owner/scans"


def test_a_name_without_letters_of_an_identifier_leaves_no_empty_field(recipe):
    data = metadata(recipe, license="许可", modality="磁共振", data={"name": "数据"})
    assert (data.license_name, data.datasets) == ("unnamed", ["unnamed"])
    assert all(data.tags)


def test_the_base_model_is_one_of_the_hub(recipe):
    assert metadata(recipe, base_model="owner/unet@" + 40 * "a").base_model == ["owner/unet"]
    assert metadata(recipe, base_model="a-name-of-this-machine").base_model is None


def test_the_card_names_the_base_model(recipe):
    recipe = replace(recipe, card={**WORDS, "base_model": "owner/unet@v1"})
    assert "Started from owner/unet@v1." in render_card(recipe, None, 10, [])


def test_code_on_the_card_of_a_repository_loads_from_there(recipe):
    text = render_card(recipe, None, 10, [], repo="me/unet")
    assert 'medzoo.load("me/unet")' in text
    assert 'medzoo.predict("me/unet", "scan.png")' in text
    assert 'keras.saving.load_model("hf://me/unet")' in text
    assert '"tiny-unet"' not in text


def test_code_on_the_card_of_a_folder_loads_by_name(recipe):
    text = render_card(recipe, None, 10, [])
    assert 'medzoo.load("tiny-unet")' in text
    assert "hf://" not in text


def test_card_without_words_leaves_the_sections_out_and_no_placeholder(tiny_recipe):
    text = render_card(tiny_recipe, None, 10, [])
    assert "## Intended use" not in text
    assert "## Scores" not in text
    assert not any(mark in text for mark in ("{{", "}}", "None", "null", "[More Information Needed]", "TODO"))


def test_card_of_an_evaluated_entry_has_its_sections_and_shows_figures_of_the_entry(described_entry):
    text = (described_entry / "README.md").read_text()
    for words in ("Finds drawn lesions.", "## Intended use", "## Limits", "## Scores", "Not a medical device"):
        assert words in text
    shown = [line.split("](")[1].rstrip(")") for line in text.splitlines() if "![" in line]
    assert "figures/confusion.png" in shown
    assert all((described_entry / name).is_file() for name in shown)


def test_attach_evaluation_adds_scores_to_an_entry_and_keeps_it_whole(tiny_entry, tmp_path):
    evaluation = make_evaluation()
    write_json(tmp_path / "run" / "evaluation.json", evaluation.to_json())
    weights = (tiny_entry / "model.weights.h5").read_bytes()
    card = attach_evaluation(tiny_entry, tmp_path / "run")
    assert "## Scores" in card.read_text()
    assert read_entry(tiny_entry).evaluation == json.loads(json.dumps(evaluation.anonymous.to_json()))
    assert (tiny_entry / "model.weights.h5").read_bytes() == weights


def test_attach_evaluation_of_a_run_without_one_tells_the_command(tiny_entry, tmp_path):
    before = (tiny_entry / "README.md").read_text()
    with pytest.raises(FileNotFoundError, match="medzoo evaluate"):
        attach_evaluation(tiny_entry, tmp_path)
    assert (tiny_entry / "README.md").read_text() == before


def test_card_says_how_scores_change_with_the_pictures_and_what_healthy_scans_get(tiny_recipe):
    card = render_card(tiny_recipe, make_evaluation(), 10, [])
    assert "| change | dice | 95% interval |" in card
    assert "| mirrored | 0.250 | - |" in card
    assert "Volunteers: in 2 of 8 scans without a finding" in card
    assert "a rate of 0.250 (0.100 to 0.500); half of these alarms cover more than 1.25 % of the pixels." in card
    plain = render_card(tiny_recipe, make_evaluation(robustness=None, healthy=None), 10, [])
    assert "Robustness" not in plain
    assert "Healthy" not in plain
