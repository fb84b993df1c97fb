"""Publishing: what is sent, and where it lies."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard

import medzoo
from medzoo.entry import read_entry
from medzoo.estimators.model import EstimatorModel, estimator_recipe
from medzoo.estimators.tuning import fit_estimator
from medzoo.evaluation.record import save_report
from medzoo.graph.features import feature_network
from medzoo.hub.publish import publish
from medzoo.zoo.save import attach_evaluation
from medzoo.zoo_model import ZooModel
from tests.estimators.estimator_sets import TASKS, make_recipe, make_samples, shrink_grids
from tests.hub.publishing.repositories import another_version, files_of, names_at, titles


def test_first_version_is_one_commit_that_holds_exactly_the_entry(hub, described_entry):
    repo = hub.new_repo()
    published = publish(described_entry, repo)
    assert published.url == f"{hub.url}/{repo}"
    assert (published.tag, published.pull_request) == (None, None)
    assert names_at(hub, repo, published.commit) == files_of(described_entry) | {".gitattributes"}
    assert len(titles(hub, repo)) == 2
    assert not hub.api.model_info(repo).private


def test_message_of_the_commit_says_version_score_and_data(hub, described_entry, evaluation):
    repo = hub.new_repo()
    publish(described_entry, repo, tag="v1")
    commit = hub.api.list_repo_commits(repo)[0]
    assert commit.title.startswith(f"tiny-unet v1, segmentation: dice {evaluation['dice']:.3f} (")
    assert "Synthetic scans, test split, 4 cases." in commit.message
    assert f"medzoo {medzoo.__version__}" in commit.message


def test_published_card_names_the_repository_and_is_whole(hub, described_entry):
    repo = hub.new_repo()
    publish(described_entry, repo)
    path = hub.api.hf_hub_download(repo, "README.md")
    card = ModelCard.load(path)
    assert f'medzoo.load("{repo}"' in card.content
    assert card.data.license == "apache-2.0"


def test_published_entry_is_one_that_reads(hub, described_entry, tmp_path):
    repo = hub.new_repo()
    publish(described_entry, repo)
    entry = read_entry(hub.api.snapshot_download(repo, local_dir=tmp_path / "copy"))
    assert entry.recipe == read_entry(described_entry).recipe


def test_names_of_files_and_patients_and_paths_stay_here(hub, model, evaluation, tmp_path):
    cases = [
        {**row, "source": f"Doe_{number}.png", "patient": f"Jane Doe {number // 2}"}
        for number, row in enumerate(evaluation.cases)
    ]
    model.recipe = replace(model.recipe, weights="/home/jane.doe/encoder.pth")
    repo = hub.new_repo()
    publish(model, repo, evaluation=replace(evaluation, cases=cases))
    folder = hub.api.snapshot_download(repo, local_dir=tmp_path / "copy")
    assert not [path for path in Path(folder).rglob("*") if path.is_file() and b"doe" in path.read_bytes().lower()]
    published = read_entry(folder)
    assert published.recipe.weights == "encoder.pth"
    patients = [row["patient"] for row in published.evaluation["cases"]]
    assert patients == ["patient 1", "patient 1", "patient 2", "patient 2"]


def test_the_folder_that_is_published_stays_as_it_is(hub, described_entry):
    before = {path: path.read_bytes() for path in described_entry.rglob("*") if path.is_file()}
    publish(described_entry, hub.new_repo())
    assert {path: path.read_bytes() for path in described_entry.rglob("*") if path.is_file()} == before


def test_second_version_deletes_stale_figures_and_leaves_files_of_the_user(hub, with_curves, described_entry):
    repo = hub.new_repo()
    first = publish(with_curves, repo, tag="v1")
    hub.api.upload_file(path_or_fileobj=b"Mine.", path_in_repo="LICENSE", repo_id=repo)
    second = publish(described_entry, repo, tag="v2")
    assert names_at(hub, repo) == files_of(described_entry) | {".gitattributes", "LICENSE"}
    assert "figures/training.png" in names_at(hub, repo, "v1")
    assert [hub.api.model_info(repo, revision=tag).sha for tag in ("v1", "v2")] == [first.commit, second.commit]
    assert len(titles(hub, repo)) == 4


def test_branch_is_made_from_main_and_main_stays(hub, entry):
    repo = hub.new_repo()
    first = publish(entry, repo)
    done = publish(another_version(entry), repo, revision="trial")
    assert hub.api.model_info(repo, revision="trial").sha == done.commit
    assert hub.api.model_info(repo).sha == first.commit
    assert titles(hub, repo, "trial")[1:] == titles(hub, repo)


def test_private_repository_is_private_and_stays_so(hub, entry, caplog):
    repo = hub.new_repo()
    publish(entry, repo, private=True)
    assert hub.api.model_info(repo).private
    with caplog.at_level(logging.WARNING, "medzoo"):
        publish(another_version(entry), repo)
    assert hub.api.model_info(repo).private
    assert f"{repo} is private and stays so" in caplog.text


def test_evaluation_completes_an_entry_as_object_and_as_folder(hub, tiny_entry, words, evaluation, tmp_path):
    attach_evaluation(tiny_entry, words=words)
    save_report(evaluation, tmp_path / "run")
    repo = hub.new_repo()
    first = publish(tiny_entry, repo, evaluation=evaluation)
    assert "figures/confusion.png" in names_at(hub, repo)
    assert publish(tiny_entry, repo, evaluation=tmp_path / "run").commit == first.commit


def test_run_of_a_training_is_published_without_its_logs_and_data(hub, described_entry, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(described_entry, run / "model")
    for name in ("history.csv", "run.json", ".env", "data/patient.png", "checkpoints/epoch-0001/state.json"):
        for place in (run, run / "model"):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_text("HF_TOKEN=hf_test")
    (run / "model" / "figures" / "patient.png").write_bytes(b"not listed")
    repo = hub.new_repo()
    publish(run, repo)
    assert names_at(hub, repo) == files_of(described_entry) | {".gitattributes"}


def test_ensemble_of_a_cross_validation_is_published_by_its_run(hub, described_entry, tmp_path):
    shutil.copytree(described_entry, tmp_path / "run" / "ensemble")
    repo = hub.new_repo()
    publish(tmp_path / "run", repo)
    assert names_at(hub, repo) == files_of(described_entry) | {".gitattributes"}


def test_estimator_is_published_with_its_file_and_once(hub, tiny_recipe, words, monkeypatch):
    pytest.importorskip("skops")
    shrink_grids(monkeypatch)
    monkeypatch.setattr("medzoo.zoo.network.write_onnx", lambda *_: None)
    task = TASKS["regression"]
    network = feature_network(ZooModel.from_recipe(make_recipe(tiny_recipe, task)))
    samples = make_samples(task)
    features = np.random.default_rng(0).normal(size=(24, 5))
    found = fit_estimator("elastic_net", features, samples.targets, samples.patients)
    recipe = estimator_recipe(make_recipe(tiny_recipe, task), task, "elastic_net", found.parameters)
    model = EstimatorModel(network, found.estimator, replace(recipe, card=words))
    model.evaluation = medzoo.evaluate(model, samples.part("test"), data_name="Bars")
    repo = hub.new_repo()
    first = publish(model, repo)
    assert publish(model, repo) == first
    assert {"estimator.skops", "model.weights.h5"} <= names_at(hub, repo)
