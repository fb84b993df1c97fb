from __future__ import annotations

from dataclasses import replace

import h5py
import pytest

from medzoo.entry import sha256
from medzoo.errors import IntegrityError
from medzoo.files import read_json, write_json
from medzoo.hub.checkpoints import pull
from medzoo.hub.checkpoints.manifest import MANIFEST, run_files
from medzoo.hub.checkpoints.pull import pull_run
from tests.conftest import RECIPE

WEIGHTS = "checkpoints/epoch-0002/model.weights.h5"
STATE = "checkpoints/epoch-0002/state.json"


def contents(run):
    return {name: (run / name).read_bytes() for name in run_files(run)}


def test_an_empty_folder_gets_all_of_the_run(pushed, tmp_path):
    assert pull_run(pushed, tmp_path / "other") == 2
    assert contents(tmp_path / "other") == contents(tmp_path / "run")
    names = {path.name for path in (tmp_path / "other").iterdir()}
    assert names - {".lock"} == {"recipe.json", "history.csv", "run.json", "checkpoints"}


def test_of_a_branch_that_is_not_there_nothing_is_fetched(repo, tmp_path):
    assert pull_run(repo, tmp_path / "run") is None
    assert not (tmp_path / "run").exists()


def test_a_run_that_is_further_than_the_branch_stays(pushed, run_at, tmp_path):
    before = contents(run_at(3))
    assert pull_run(pushed, tmp_path / "run") is None
    assert contents(tmp_path / "run") == before


def test_a_run_behind_the_branch_goes_on_from_there_and_its_checkpoints_are_kept(pushed, run_at, tmp_path):
    further = contents(tmp_path / "run")
    for copy in ("checkpoints-0001", "checkpoints-0001-2"):
        first = (run_at(1, "behind") if copy == "checkpoints-0001" else behind_again(run_at, tmp_path)) / "checkpoints"
        weights = (first / "epoch-0001" / "model.weights.h5").read_bytes()
        assert pull_run(pushed, tmp_path / "behind") == 2
        assert contents(tmp_path / "behind") == further
        assert (tmp_path / "behind" / copy / "epoch-0001" / "model.weights.h5").read_bytes() == weights


def behind_again(run_at, tmp_path):
    """Let a folder that went on fall behind once more."""
    (tmp_path / "behind" / "checkpoints").rename(tmp_path / "gone")
    (run_at(1, "again") / "checkpoints").rename(tmp_path / "behind" / "checkpoints")
    return tmp_path / "behind"


def test_a_run_whose_fetching_was_killed_before_its_checkpoints_came_is_fetched_again(pushed, tmp_path):
    pull_run(pushed, tmp_path / "other")
    (tmp_path / "other" / "checkpoints").rename(tmp_path / "gone")
    assert pull_run(pushed, tmp_path / "other") == 2
    assert contents(tmp_path / "other") == contents(tmp_path / "run")


def test_a_training_of_another_recipe_is_not_fetched(pushed, tmp_path):
    with pytest.raises(ValueError, match="another recipe"):
        pull_run(pushed, tmp_path / "other", replace(RECIPE, seed=1))
    assert not run_files(tmp_path / "other")


def test_a_folder_with_another_recipe_gets_nothing(pushed, tmp_path):
    replace(RECIPE, seed=1).save(tmp_path / "other" / "recipe.json")
    with pytest.raises(ValueError, match="another recipe"):
        pull_run(pushed, tmp_path / "other")
    assert run_files(tmp_path / "other") == ["recipe.json"]


def test_from_a_public_repository_nothing_is_fetched(hub, pushed, tmp_path):
    hub.api.update_repo_settings(pushed, private=False)
    with pytest.raises(ValueError, match="is public"):
        pull_run(pushed, tmp_path / "other")


def test_a_run_is_not_begun_anew_without_a_token(pushed, tmp_path, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(PermissionError, match="hf auth login"):
        pull_run(pushed, tmp_path / "other")


def test_a_run_is_not_begun_anew_where_the_hub_is_not_reached(hub, pushed, tmp_path):
    with hub.down(), pytest.raises(ConnectionError, match="leave out --push-to"):
        pull_run(pushed, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_run_with_epochs_goes_on_where_the_hub_is_not_reached(hub, pushed, tmp_path, caplog):
    with hub.down():
        assert pull_run(pushed, tmp_path / "run") is None
    assert f"goes on from epoch 2 of {tmp_path / 'run'}" in caplog.text


def test_after_broken_downloads_a_run_is_fetched_whole_or_not_at_all(hub, pushed, tmp_path, no_wait):
    other = tmp_path / "other"
    with hub.drop():
        for _ in range(3):
            try:
                pull_run(pushed, other)
            except ConnectionError:
                assert not run_files(other)
    pull_run(pushed, other)
    assert contents(other) == contents(tmp_path / "run")


def test_other_processes_wait_until_the_first_has_fetched(pushed, run_at, tmp_path, monkeypatch):
    monkeypatch.setattr(pull, "this_process", lambda: (1, 2))
    monkeypatch.setattr(pull.time, "sleep", lambda seconds: run_at(2, "other"))
    run_at(1, "other")
    assert pull_run(pushed, tmp_path / "other") is None
    assert contents(tmp_path / "other") == contents(tmp_path / "run")


def test_other_processes_do_not_wait_for_ever(pushed, run_at, tmp_path, monkeypatch):
    monkeypatch.setattr(pull, "this_process", lambda: (1, 2))
    monkeypatch.setattr(pull, "LONGEST", -1)
    with pytest.raises(RuntimeError, match="first process"):
        pull_run(pushed, run_at(1, "other"))


def vouch(folder, name):
    """Let the manifest vouch for a file as it is."""
    manifest, path = read_json(folder / MANIFEST), folder / name
    manifest["files"][name] = {"sha256": sha256(path), "size": path.stat().st_size}
    write_json(folder / MANIFEST, manifest)


def flip(folder):
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (folder / WEIGHTS).write_bytes(weights)


def shorten(folder):
    (folder / WEIGHTS).write_bytes(b"")


def list_outside(folder):
    manifest = read_json(folder / MANIFEST)
    manifest["files"]["../run.json"] = manifest["files"]["run.json"]
    write_json(folder / MANIFEST, manifest)


def list_pickle(folder):
    (folder / "evil.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    vouch(folder, "evil.pkl")


def list_too_large(folder):
    manifest = read_json(folder / MANIFEST)
    manifest["files"]["run.json"]["size"] = 2**40
    write_json(folder / MANIFEST, manifest)


def omit_weights(folder):
    manifest = read_json(folder / MANIFEST)
    del manifest["files"][WEIGHTS]
    write_json(folder / MANIFEST, manifest)


def promise_an_epoch_more(folder):
    write_json(folder / MANIFEST, {**read_json(folder / MANIFEST), "epoch": 3})


def link_outside(folder):
    with h5py.File(folder / WEIGHTS, "a") as file:
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    vouch(folder, WEIGHTS)


def shorten_history(folder):
    write_json(folder / STATE, {"epoch": 2, "history": [{"epoch": 1}]})
    vouch(folder, STATE)


def write_words_for_scores(folder):
    rows = [{"epoch": epoch, "val_dice": "high"} for epoch in (1, 2)]
    write_json(folder / STATE, {"epoch": 2, "history": rows})
    vouch(folder, STATE)


def exchange_recipe(folder):
    replace(RECIPE, seed=1).save(folder / "recipe.json")
    vouch(folder, "recipe.json")


def break_recipe(folder):
    write_json(folder / "recipe.json", ["no recipe"])
    vouch(folder, "recipe.json")


def nest(folder):
    (folder / MANIFEST).write_text("[" * 100_000)


def forget_format(folder):
    write_json(folder / MANIFEST, {"format": "1"})


CRAFTS = {
    WEIGHTS: [flip, shorten, omit_weights, link_outside],
    STATE: [shorten_history, write_words_for_scores],
    "recipe.json": [exchange_recipe, break_recipe],
    "evil.pkl": [list_pickle],
    "run.json": [list_outside, list_too_large],
    MANIFEST: [promise_an_epoch_more, nest, forget_format],
}


@pytest.mark.parametrize(
    ("craft", "named"),
    [pytest.param(craft, name, id=craft.__name__) for name, crafts in CRAFTS.items() for craft in crafts],
)
def test_a_branch_that_was_tampered_with_is_refused(hub, pushed, tmp_path, craft, named):
    change(hub, pushed, tmp_path / "changed", craft)
    with pytest.raises(IntegrityError, match=named):
        pull_run(pushed, tmp_path / "other")
    assert {path.name for path in (tmp_path / "other").iterdir()} <= {".lock"}


def test_a_file_of_another_size_is_not_even_downloaded(hub, pushed, tmp_path):
    change(hub, pushed, tmp_path / "changed", shorten)
    hub.forget()
    with pytest.raises(IntegrityError, match=WEIGHTS):
        pull_run(pushed, tmp_path / "other")
    downloads = [request for request in hub.requests() if "/resolve/" in request]
    assert downloads
    assert all(request.endswith(MANIFEST) for request in downloads)


def test_a_manifest_of_another_medzoo_says_which_one_reads_it(hub, pushed, tmp_path):
    def renew(folder):
        write_json(folder / MANIFEST, {**read_json(folder / MANIFEST), "format": 2, "medzoo": "9.0"})

    change(hub, pushed, tmp_path / "changed", renew)
    with pytest.raises(ValueError, match=r"format 2.*9\.0"):
        pull_run(pushed, tmp_path / "other")


def change(hub, repo, folder, craft):
    """Commit what `craft` makes of the files of a branch."""
    run = folder.parent / "run"
    for name in run_files(run):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((run / name).read_bytes())
    hub.api.hf_hub_download(repo, MANIFEST, revision="training", local_dir=folder)
    craft(folder)
    hub.api.upload_folder(repo_id=repo, folder_path=folder, revision="training", ignore_patterns=".cache/**")
