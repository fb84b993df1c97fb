"""What a broken connection leaves behind is never taken for whole."""

import numpy as np
import pytest

from medzoo.entry import MANIFEST, needed_files, read_manifest
from medzoo.zoo.find import find_entry
from medzoo.zoo.load import load_onnx

DOWNLOADS = 200
COMMIT = "[0-9a-f]" * 40
ENGINES = ("keras", "onnx")


@pytest.fixture
def uploaded(hub, saved_entry):
    """Name and commit of a repository that holds the tiny entry."""
    name = hub.new_repo("dropped")
    hub.api.create_repo(name)
    return name, hub.api.upload_folder(repo_id=name, folder_path=saved_entry).oid


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """A function that leads to the cache of a number, and an engine by turns."""

    def choose(number):
        home = tmp_path / str(number)
        monkeypatch.setenv("MEDZOO_HOME", str(home))
        return home, ENGINES[number % 2]

    return choose


def _downloads(hub):
    return sum(line.startswith(("GET /cdn/", "GET /api/resolve-cache/")) for line in hub.requests())


def _taken(home, entry):
    """Return the files that the cache has taken for whole, after a look into each."""
    files = list(home.glob(f"hub/*/{COMMIT}/*"))
    assert all(path.read_bytes() == (entry / path.name).read_bytes() for path in files)
    return {path.name for path in files}


def _fetch(uploaded, engine):
    try:
        return find_entry(*uploaded, engine)
    except ConnectionError:
        return None


def test_200_downloads_that_break_at_any_byte_leave_nothing_corrupt(hub, uploaded, saved_entry, homes, no_wait):
    manifest, arrived, taken = read_manifest(saved_entry), [], []
    needed = {engine: {MANIFEST, *needed_files(manifest, engine)} for engine in ENGINES}
    hub.forget()
    with hub.drop(seed=0):
        while _downloads(hub) < DOWNLOADS:
            home, engine = homes(len(arrived))
            arrived.append(_fetch(uploaded, engine) is not None)
            taken.append(_taken(home, saved_entry))
            assert arrived[-1] == (taken[-1] == needed[engine])
    assert {True, False} == set(arrived)
    assert any(names for names, whole in zip(taken, arrived, strict=True) if not whole)

    for number in range(len(arrived)):
        home, engine = homes(number)
        find_entry(*uploaded, engine)
        assert _taken(home, saved_entry) == needed[engine]


def test_what_arrived_over_broken_connections_gives_the_golden_output(hub, uploaded, saved_entry, home, no_wait):
    tries = 0
    with hub.drop(seed=1):
        while _fetch(uploaded, "onnx") is None:
            tries += 1
    assert tries
    with np.load(saved_entry / "golden.npz") as golden:
        found = load_onnx(*uploaded).predict_on_batch(golden["input"])
        assert np.abs(found - golden["output"]).max() < 1e-3
