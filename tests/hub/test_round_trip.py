"""Models go to the Hub and come back, in every way that they are asked for."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from huggingface_hub import constants

import medzoo
from medzoo.hub.publish import publish

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = ("tensorflow", "jax", "torch")
# Whichever backend wrote the files, they are the same: two that write them are enough.
WRITERS = BACKENDS[:2]

# Prints how far a model is from the golden output, and on which backend.
LOAD = """
import sys
import keras, numpy
import medzoo

name, revision, golden = sys.argv[1:]
golden = numpy.load(golden)
model = medzoo.load(name, revision=revision)
print(keras.backend.backend(), abs(model.predict_on_batch(golden["input"]) - golden["output"]).max())
"""

# The same without medzoo.
BARE = """
import sys
import keras, numpy

name, golden = sys.argv[1:]
golden = numpy.load(golden)
model = keras.saving.load_model(f"hf://{name}", safe_mode=True)
print("medzoo" in sys.modules, abs(model.predict_on_batch(golden["input"]) - golden["output"]).max())
"""

# The same without Keras.
ONNX = """
import sys
import numpy
from medzoo.zoo.load import load_onnx

name, golden = sys.argv[1:]
golden = numpy.load(golden)
model = load_onnx(name)
print("keras" in sys.modules, abs(model.predict_on_batch(golden["input"]) - golden["output"]).max())
"""


@pytest.fixture(scope="module")
def golden(described_entry):
    return np.load(described_entry / "golden.npz")


@pytest.fixture(scope="module")
def first(hub, described_entry):
    """What publishing a first version gave, and its name."""
    repo = hub.new_repo("trip")
    return repo, publish(described_entry, repo, tag="v1")


@pytest.fixture(scope="module")
def second(first, described_entry):
    """What publishing a second version gave: a model that says the same of every pixel."""
    model = medzoo.load(described_entry)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    model.recipe = replace(model.recipe, card={**model.recipe.card, "summary": "Finds nothing."})
    with pytest.MonkeyPatch.context() as patch:
        # Exporting takes seconds, and shows nothing here.
        patch.setattr("medzoo.zoo.network.write_onnx", lambda *arguments: None)
        return publish(model, first[0], tag="v2")


def _run(code, *arguments, tolerance=1e-4, **environment):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    word, difference = done.stdout.split()
    assert float(difference) < tolerance
    return word


def _is_golden(model, golden):
    return np.abs(model.predict_on_batch(golden["input"]) - golden["output"]).max() < 1e-4


def test_a_model_comes_back_by_name_branch_tag_and_commit(first, golden, home):
    repo, published = first
    for revision in ("v1", published.commit):
        model = medzoo.load(repo, revision=revision)
        assert _is_golden(model, golden)
        assert model.recipe.card["intended_use"] == "To see that publishing works."
        assert model.evaluation.data["split"] == "test"
    assert [path.name for path in (home / "hub").glob("*/*/medzoo.json")] == ["medzoo.json"]


def test_a_name_stands_for_the_second_version_and_tag_and_commit_for_the_first(first, second, golden, home):
    repo, published = first
    for revision in (None, "main", "v2", second.commit):
        model = medzoo.load(repo, revision=revision)
        assert model.recipe.card["summary"] == "Finds nothing."
        assert not _is_golden(model, golden)
    for revision in ("v1", published.commit):
        assert _is_golden(medzoo.load(repo, revision=revision), golden)


def test_a_pull_request_is_loaded_while_main_stays(first, hub, described_entry, golden, home):
    repo, _ = first
    main = hub.api.model_info(repo).sha
    changed = medzoo.load(described_entry)
    changed.recipe = replace(changed.recipe, card={**changed.recipe.card, "summary": "Proposed."})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medzoo.zoo.network.write_onnx", lambda *arguments: None)
        proposed = publish(changed, repo, create_pr=True)
    assert proposed.pull_request == f"{hub.url}/{repo}/discussions/1"
    model = medzoo.load(repo, revision="refs/pr/1")
    assert model.recipe.card["summary"] == "Proposed."
    assert _is_golden(model, golden)
    assert hub.api.model_info(repo).sha == main


def test_a_private_model_is_loaded_with_a_token_only(hub, described_entry, golden, home, monkeypatch):
    repo = hub.new_repo("private")
    publish(described_entry, repo, private=True)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(FileNotFoundError, match=f"no repository {repo} .*or it is private.*hf auth login"):
        medzoo.load(repo)
    assert not list(home.rglob("medzoo.json"))
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    assert _is_golden(medzoo.load(repo), golden)


def test_what_was_loaded_once_is_loaded_without_a_request(first, hub, golden, home, monkeypatch):
    repo, published = first
    medzoo.load(repo, revision="v1")
    hub.forget()
    assert _is_golden(medzoo.load(repo, revision=published.commit), golden)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert _is_golden(medzoo.load(repo, revision="v1"), golden)
    assert hub.requests() == []


def test_another_process_loads_it_offline_and_without_keras(hub, described_entry, home):
    repo, golden = hub.new_repo("offline"), described_entry / "golden.npz"
    publish(described_entry, repo)
    # Its kernels are rounded anew for ONNX.
    assert _run(ONNX, repo, golden, tolerance=1e-3) == "False"
    hub.forget()
    assert _run(ONNX, repo, golden, tolerance=1e-3, HF_HUB_OFFLINE="1") == "False"
    assert hub.requests() == []


# From TensorFlow to the others; all pairs would start as many processes.
@pytest.mark.one_backend
@pytest.mark.skipif(keras.backend.backend() not in WRITERS, reason="Other backends write the same files.")
@pytest.mark.parametrize("backend", sorted({*BACKENDS} - {keras.backend.backend()}))
def test_a_model_of_this_backend_gives_the_golden_output_on_another(first, described_entry, home, backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed.")
    repo, published = first
    golden = described_entry / "golden.npz"
    assert _run(LOAD, repo, published.commit, golden, KERAS_BACKEND=backend) == backend


def test_bare_keras_loads_it_in_safe_mode(hub, described_entry, tmp_path):
    repo = hub.new_repo("bare")
    publish(described_entry, repo)
    environment = {"HF_HUB_CACHE": str(tmp_path), "KERAS_BACKEND": "tensorflow", "PYTHONPATH": ""}
    assert _run(BARE, repo, described_entry / "golden.npz", **environment) == "False"
