import logging
import shutil
from dataclasses import replace

import pytest
from huggingface_hub import constants

from medzoo.cli import main
from medzoo.entry import read_manifest, write_manifest
from medzoo.hub.publish import publish
from medzoo.recipe import Recipe
from medzoo.zoo.card.render import render_card
from medzoo.zoo.listing import models as listing
from medzoo.zoo.listing.models import COLUMNS, ModelInfo, entry_row, list_models
from tests.zoo.card_records import WORDS, make_evaluation


@pytest.fixture
def cached(home, tiny_entry):
    """A cache that holds one entry."""
    return shutil.copytree(tiny_entry, home / "tiny-unet")


def row_of(tiny_entry, **changes):
    return {**entry_row(tiny_entry), "license": "mit", "data_license": "cc0-1.0", **changes}


@pytest.fixture
def registry(tiny_entry, home, monkeypatch):
    """A registry of four models, none of which is on this machine."""
    rows = {
        "free": row_of(tiny_entry, name="free", score=0.8125, score_name="dice", interval=[0.75, 0.875]),
        "bound": row_of(tiny_entry, name="bound", license="cc-by-nc-4.0", modality="MRI"),
        "data-bound": row_of(tiny_entry, name="data-bound", data_license="cc-by-nc-4.0", modality="CT"),
        "unknown": row_of(tiny_entry, name="unknown", data_license=None, task="classification"),
    }
    monkeypatch.setattr(listing, "registry_rows", lambda: rows)
    monkeypatch.setattr(listing, "entry_folders", dict)
    return rows


def names(**filters):
    return [info.name for info in list_models(**filters)]


def test_a_row_of_the_registry_is_listed_where_its_folder_is_not(registry):
    info = list_models()[0]
    assert info.name == "free"
    assert (info.score_name, info.score, info.interval) == ("dice", 0.8125, (0.75, 0.875))
    assert info.size == registry["free"]["files"]["model.weights.h5"]["size"]


def test_filters_by_task(registry):
    assert names(task="classification") == ["unknown"]


def test_filters_by_modality_in_any_case(registry):
    assert names(modality="mri") == ["bound"]


def test_filters_by_licence_however_it_is_written(registry):
    assert names(license="CC BY-NC 4.0") == ["bound"]


def test_commercial_asks_for_licences_of_weights_and_data_that_are_known_to_allow_it(registry):
    assert names(commercial=True) == ["free"]


@pytest.mark.parametrize(("name", "value"), [("task", "segmentatoin"), ("license", "apache")])
def test_an_unknown_filter_lists_near_matches(name, value, registry):
    with pytest.raises(ValueError, match="Unknown (task|licence)"):
        list_models(**{name: value})


def test_an_entry_in_the_cache_is_listed(cached):
    assert ModelInfo.from_row(entry_row(cached)) in list_models()


def test_an_entry_that_cannot_be_read_is_left_out_and_named(cached, caplog):
    (cached / "medzoo.json").write_text("{}")
    with caplog.at_level(logging.WARNING, "medzoo"):
        assert "tiny-unet" not in names()
    assert str(cached) in caplog.text


def test_cells_show_what_is_not_known_as_a_dash():
    assert ModelInfo("unet").cells() == ("unet", *["-"] * (len(COLUMNS) - 1))


def push(hub, text):
    """Publish a card by itself, as anybody may, and return the name of its repository."""
    repo = hub.new_repo("card")
    hub.api.create_repo(repo)
    hub.api.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id=repo)
    return repo


def on_hub(repo):
    return next((info for info in list_models(hub=True) if info.name == repo), None)


@pytest.fixture
def card(tiny_recipe):
    return render_card(replace(tiny_recipe, card=WORDS), make_evaluation(), 1234567, [])


def test_a_model_on_the_hub_is_listed_by_its_card(hub, card, home):
    repo = push(hub, card)
    hub.forget()
    assert on_hub(repo) == ModelInfo(
        name=repo,
        task="segmentation",
        modality="MRI",
        score=0.8125,
        score_name="dice",
        interval=(0.75, 0.875),
        parameters=1234567,
        license="apache-2.0",
        data_license="cc-by-4.0",
        repo=repo,
    )
    assert len(hub.requests()) == 1


def test_filters_apply_to_the_hub_too(hub, card, home):
    repo = push(hub, card)
    assert repo in names(hub=True, commercial=True, modality="mri", license="apache-2.0")
    assert repo not in names(hub=True, modality="CT")


def test_a_model_of_the_registry_is_not_listed_twice(hub, card, registry):
    repo = push(hub, card)
    registry["free"]["repo"] = repo
    assert repo not in names(hub=True)


STRANGE = {
    "no record": "license: mit",
    "record of another kind": "medzoo: [1, 2]",
    "fields of another kind": "medzoo: {task: [1], modality: 5, parameters: many, score: {a: 1}, evaluation: 1}",
    "numbers that are none": "medzoo: {parameters: .nan, score: dice, evaluation: {scores: {dice: {value: .inf}}}}",
    "names of methods": "get: 1\nto_dict: 2",
    "licences": "license: [mit, gpl]\nlicense_name: {a: b}",
}


@pytest.mark.parametrize("case", STRANGE)
def test_what_a_strange_card_does_not_say_is_unknown(case, hub, home):
    info = on_hub(push(hub, f"---\ntags: [medzoo]\n{STRANGE[case]}\n---\n"))
    assert (info.task, info.score, info.parameters) == (None, None, None)
    assert len(info.cells()) == len(COLUMNS)


RESULT = "model-index: [{name: x, results: [{task: {type: a}, dataset: {type: a, name: a}, metrics: [], source: %s}]}]"
BREAKING = {"argument": "self: 1", "source": RESULT % "b"}


@pytest.mark.parametrize("case", BREAKING)
def test_a_card_that_breaks_the_client_takes_no_other_from_the_list(case, hub, card, home, caplog):
    good = push(hub, card)
    bad = push(hub, f"---\ntags: [medzoo]\n{BREAKING[case]}\n---\n")
    try:
        assert on_hub(good).score == 0.8125
        assert on_hub(bad) is None
        assert f"{bad} is left out" in caplog.text
    finally:
        hub.api.delete_repo(bad)


def test_the_terminal_gets_no_escape_sequences_of_a_card(hub, home, capsys):
    push(hub, '---\ntags: [medzoo]\nmedzoo: {modality: "M\\e[2JRI\\nx"}\n---\n')
    with pytest.raises(SystemExit):
        main(["list", "--hub"])
    shown = capsys.readouterr().out
    assert "MRI x" in shown
    assert "\x1b" not in shown


def test_a_hub_that_is_not_reached_is_said(home, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE"):
        list_models(hub=True)


def test_the_list_of_this_machine_asks_nobody(hub, cached):
    hub.forget()
    list_models()
    assert hub.requests() == []


def test_info_of_a_model_on_the_hub_fetches_no_network(hub, described_entry, home, capsys):
    repo = hub.new_repo()
    publish(described_entry, repo)
    hub.forget()
    with pytest.raises(SystemExit) as end:
        main(["info", repo])
    assert end.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith("# tiny-unet\n")
    assert f'medzoo.load("{repo}")' in shown
    assert not [request for request in hub.requests() if "weights" in request or "onnx" in request]


def test_info_shows_no_escape_sequences_of_a_card(cached, capsys):
    (cached / "README.md").write_text("# tiny\x1b[2J-unet\nsecond line\n")
    write_manifest(cached, Recipe.load(cached / "recipe.json"), read_manifest(cached))
    with pytest.raises(SystemExit):
        main(["info", "tiny-unet"])
    assert capsys.readouterr().out == "# tiny-unet\nsecond line\n"
