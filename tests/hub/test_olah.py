"""A server that nobody here wrote serves what was published: olah, a mirror of the Hub, over the same repositories."""

import re
import subprocess
import sys

import numpy as np
import pytest
from huggingface_hub import constants

import medzoo
from medzoo.hub.publish import publish
from medzoo.zoo.load import load_onnx

pytest.importorskip("olah")

# It asks no other server; `repos-path` is where it would keep what it got from one.
CONFIG = """
[basic]
host = "127.0.0.1"
port = 0
repos-path = "{folder}/repos"
mirrors-path = ["{hub}/git"]
hf-netloc = "127.0.0.1:9"

[accessibility]
offline = true
"""


@pytest.fixture(scope="module")
def published(hub, described_entry):
    """Name and commit of a published model."""
    repo = hub.new_repo("olah")
    return repo, publish(described_entry, repo, tag="v1").commit


@pytest.fixture(scope="module")
def olah(hub, tmp_path_factory):
    """Address of a running olah."""
    folder = tmp_path_factory.mktemp("olah")
    (folder / "configs.toml").write_text(CONFIG.format(folder=folder, hub=hub.folder))
    command = [sys.executable, "-c", "from olah.server import cli; cli()", "-c", "configs.toml", "--log-path", "logs"]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield _address(process)
    process.terminate()
    process.communicate()


def _address(process):
    lines = []
    for line in process.stdout:
        if match := re.search(r"running on (http://\S+)", line):
            return match[1]
        lines.append(line)
    return pytest.fail("".join(lines))


@pytest.fixture
def mirrored(olah, monkeypatch):
    """The client of the Hub asks olah instead."""
    monkeypatch.setattr(constants, "ENDPOINT", olah)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", olah + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.mark.parametrize("load", [medzoo.load, load_onnx])
@pytest.mark.parametrize("named", ["tag", "commit"])
def test_a_published_model_is_read_through_olah(mirrored, published, hub, described_entry, home, named, load):
    repo, commit = published
    hub.forget()
    model = load(repo, revision={"tag": "v1", "commit": commit}[named])
    with np.load(described_entry / "golden.npz") as golden:
        assert np.abs(model.predict_on_batch(golden["input"]) - golden["output"]).max() < 1e-3
    assert hub.requests() == []
