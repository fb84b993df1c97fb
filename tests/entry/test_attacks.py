"""Repositories on the Hub, and folders by mail, that were made to harm whoever loads them."""

import re
import shutil
from functools import partial

import pytest

import medzoo
from medzoo.errors import IntegrityError
from medzoo.zoo.load import load_onnx
from tests.entry.crafts.exported import ONNX
from tests.entry.crafts.golden import GOLDEN
from tests.entry.crafts.manifests import MANIFESTS
from tests.entry.crafts.networks import NETWORKS
from tests.entry.crafts.weights import WEIGHTS

# The file that was changed, the crafts, and what opens it. A manifest may speak of any file.
TABLES = [
    ("medzoo.json", MANIFESTS, medzoo.load),
    ("config.json", NETWORKS, medzoo.load),
    ("model.weights.h5", WEIGHTS, medzoo.load),
    ("golden.npz", GOLDEN, partial(medzoo.load, verify=True)),
    ("model.onnx", ONNX, load_onnx),
]
CASES = [
    pytest.param(
        craft, opened, message if table is MANIFESTS else f"{re.escape(file)}.*{message}", id=f"{file}: {name}"
    )
    for file, table, opened in TABLES
    for name, (craft, message) in table.items()
]


@pytest.fixture(scope="module")
def repo(hub, saved_entry):
    name = hub.new_repo("evil")
    hub.api.create_repo(name)
    hub.api.upload_folder(repo_id=name, folder_path=saved_entry)
    return name


@pytest.fixture
def sandbox(tmp_path, saved_entry):
    """A folder to craft in, and beside it all that a craft reaches for."""
    shutil.copytree(saved_entry, tmp_path / "sandbox" / "evil")
    return tmp_path / "sandbox"


@pytest.fixture
def craft_entry(sandbox):
    """Function that makes an entry of a craft, and says what lies in the sandbox then."""

    def make(craft, opened):
        folder = sandbox / "evil"
        if opened is load_onnx and not (folder / "model.onnx").is_file():
            pytest.skip("Keras cannot export ONNX on this backend.")
        craft(folder, sandbox / "secret", sandbox / "marker")
        return folder

    return make


def everything_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("craft", "opened", "message"), CASES)
def test_a_repository_that_was_made_to_harm_is_refused(craft, opened, message, craft_entry, sandbox, hub, repo, home):
    folder = craft_entry(craft, opened)
    before = everything_in(sandbox)
    commit = hub.api.upload_folder(repo_id=repo, folder_path=folder).oid
    with pytest.raises(IntegrityError, match=f"(?s){message}"):
        opened(repo, revision=commit)
    assert everything_in(sandbox) == before
    assert not [path for path in home.rglob("*") if path.name.startswith("outside") or path.suffix == ".pkl"]


@pytest.mark.parametrize(("craft", "opened", "message"), CASES)
def test_a_folder_that_was_made_to_harm_is_refused(craft, opened, message, craft_entry, sandbox, home):
    folder = craft_entry(craft, opened)
    before = everything_in(sandbox)
    with pytest.raises(IntegrityError, match=f"(?s){message}"):
        opened(folder)
    assert everything_in(sandbox) == before


@pytest.mark.parametrize("name", ["config.json", "medzoo.json", "README.md", "figures", "assets"])
def test_a_symbolic_link_is_refused(tiny_entry, tmp_path, name):
    outside = tmp_path / "outside"
    if (tiny_entry / name).is_file():
        (tiny_entry / name).rename(outside)
    else:
        outside.mkdir()
    (tiny_entry / name).symlink_to(outside)
    with pytest.raises(IntegrityError, match=rf"{name} is a symbolic link.*cp -rL"):
        medzoo.load(tiny_entry)


@pytest.mark.parametrize("table", [NETWORKS, WEIGHTS], ids=["config.json", "model.weights.h5"])
def test_an_entry_that_gives_weights_is_looked_into_too(table, craft_entry, sandbox, tiny_entry):
    craft, message = next(iter(table.values()))
    folder = craft_entry(craft, medzoo.load)
    with pytest.raises(IntegrityError, match=message):
        medzoo.models.build_encoder({"name": "plain", "filters": [8]}, (16, 16, 1), weights=str(folder))
    assert not (sandbox / "marker").exists()
