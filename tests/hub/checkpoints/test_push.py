from __future__ import annotations

import runpy
import sys
import threading
from dataclasses import replace

import pytest

from medzoo.hub.checkpoints import manifest as checkpoint_files
from medzoo.hub.checkpoints import push
from medzoo.hub.checkpoints.branch import Branch
from medzoo.hub.checkpoints.manifest import MANIFEST, Manifest, run_files, snapshot
from medzoo.hub.checkpoints.push import Background, PushCheckpoints
from tests.conftest import RECIPE


def files(hub, repo):
    return set(hub.api.list_repo_files(repo, revision="training")) - {".gitattributes"}


def no_links(*paths):
    raise PermissionError("This disk has no hard links.")


def test_every_second_epoch_is_pushed(repo, run_at, titles):
    pushing = PushCheckpoints(run_at(1), repo, every=2)
    pushing.on_epoch_end(0)
    run_at(2)
    pushing.on_epoch_end(1)
    assert pushing.finish()
    assert titles(repo) == ["Epoch 2 of tiny-unet"]


def test_the_repository_is_made_private(hub, pushed):
    assert hub.api.model_info(pushed).private


def test_records_and_checkpoints_are_pushed_and_nothing_else(hub, repo, run_at):
    run = run_at(3)
    for name in ("features/a.npy", "model/medzoo.json", ".env", "data.csv", "checkpoints/notes.txt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("of no concern")
    assert PushCheckpoints(run, repo).finish()
    # The best one and the latest.
    checkpoints = {f"checkpoints/epoch-000{n}/{name}" for n in (2, 3) for name in ("state.json", "model.weights.h5")}
    assert files(hub, repo) == {"recipe.json", "history.csv", "run.json", MANIFEST} | checkpoints


def test_the_frozen_encoder_goes_with_its_heads_and_only_with_them(run_at):
    checkpoints = run_at(3) / "checkpoints"
    frozen = "checkpoints/frozen.weights.h5"
    (checkpoints / "frozen.weights.h5").touch()
    assert frozen not in run_files(checkpoints.parent)
    (checkpoints / "epoch-0002" / "model.weights.h5").rename(checkpoints / "epoch-0002" / "head.weights.h5")
    assert {frozen, "checkpoints/epoch-0002/head.weights.h5"} <= set(run_files(checkpoints.parent))


def test_a_push_replaces_the_epochs_of_the_one_before_in_one_commit(hub, repo, run_at, titles):
    assert PushCheckpoints(run_at(1), repo).finish()
    assert PushCheckpoints(run := run_at(2), repo).finish()
    assert titles(repo) == ["Epoch 2 of tiny-unet", "Epoch 1 of tiny-unet"]
    assert files(hub, repo) == {*run_files(run), MANIFEST}


def test_other_files_of_the_branch_are_left_alone(hub, pushed, run_at):
    hub.api.upload_file(repo_id=pushed, path_or_fileobj=b"mine", path_in_repo="notes.txt", revision="training")
    assert PushCheckpoints(run_at(3), pushed).finish()
    assert "notes.txt" in files(hub, pushed)


def test_what_is_on_the_branch_is_not_pushed_again(pushed, tmp_path, titles):
    assert PushCheckpoints(tmp_path / "run", pushed).finish()
    assert titles(pushed) == ["Epoch 2 of tiny-unet"]


def test_the_training_ends_with_its_last_phase(repo, run_at, titles):
    pushing = PushCheckpoints(run_at(3), repo)
    pushing.set_params({"epochs": 2})
    pushing.on_train_end()
    assert titles(repo) == []
    pushing.set_params({"epochs": 3})
    pushing.on_train_end()
    assert titles(repo) == ["Epoch 3 of tiny-unet"]


def test_a_failure_is_logged_once_and_the_next_push_arrives(hub, repo, run_at, titles, caplog):
    with hub.down():
        pushing = PushCheckpoints(run_at(1), repo, every=1)
        pushing.on_epoch_end(0)
        assert not pushing.finish()
    assert sum("training goes on" in message for message in caplog.messages) == 1
    assert "hf_test" not in caplog.text
    run_at(2)
    pushing.on_epoch_end(1)
    assert pushing.finish()
    assert titles(repo) == ["Epoch 2 of tiny-unet"]
    assert caplog.messages[-1] == f"Epoch 2 was pushed to {repo} (branch training)."


def test_a_full_disk_does_not_stop_the_training(repo, run_at, monkeypatch, caplog):
    def full(*paths):
        raise OSError(28, "No space left on device")

    run = run_at(1)
    monkeypatch.setattr(checkpoint_files.os, "link", no_links)
    monkeypatch.setattr(checkpoint_files.shutil, "copyfile", full)
    PushCheckpoints(run, repo, every=1).on_epoch_end(0)
    assert "No space left on device" in caplog.text
    assert not list(run.glob(".push-*"))


def test_what_was_not_sent_at_the_end_is_named_with_the_command_that_sends_it(
    hub, repo, run_at, titles, caplog, monkeypatch
):
    with hub.down():
        assert not PushCheckpoints(run := run_at(3), repo).finish()
    before, _, command = caplog.messages[-1].partition(" Send it: ")
    assert before.startswith(f"Epoch 3 of {run} is not on {repo} (branch training). ")
    python, option, module, *arguments = command.split()
    assert (python, option) == ("python", "-m")
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    monkeypatch.delitem(sys.modules, module)
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert not end.value.code
    assert titles(repo) == ["Epoch 3 of tiny-unet"]


def test_the_end_does_not_wait_for_ever(repo, run_at, caplog, monkeypatch):
    going_on = threading.Event()
    monkeypatch.setattr(push, "LONGEST", 0)
    monkeypatch.setattr(PushCheckpoints, "_push", lambda pushing, folder: going_on.wait())
    assert not PushCheckpoints(run_at(3), repo).finish()
    going_on.set()
    assert "It was not sent in 0 seconds." in caplog.text


def test_only_the_newest_of_what_waits_is_worked_on():
    started, going_on, worked, dropped = threading.Event(), threading.Event(), [], []

    def work(item):
        started.set()
        going_on.wait()
        worked.append(item)

    background = Background(work, dropped.append)
    background.put(1)
    started.wait()
    background.put(2)
    background.put(3)
    assert not background.wait(0)
    going_on.set()
    assert background.wait(60)
    assert worked == [1, 3]
    assert sorted(dropped) == [1, 2, 3]


@pytest.mark.parametrize("has_links", [True, False])
def test_a_snapshot_stays_when_the_run_goes_on(run_at, tmp_path, has_links, monkeypatch):
    if not has_links:
        monkeypatch.setattr(checkpoint_files.os, "link", no_links)
    run = run_at(1)
    before = {name: (run / name).read_bytes() for name in run_files(run)}
    kept = snapshot(run).rename(tmp_path / "kept")
    run_at(3)
    assert {name: (kept / name).read_bytes() for name in before} == before


def test_snapshots_are_deleted_once_they_are_sent(pushed, tmp_path):
    assert not list((tmp_path / "run").glob(".push-*"))


def test_what_a_killed_process_did_not_send_is_deleted(repo, run_at):
    (left := run_at(1) / ".push-old").mkdir()
    PushCheckpoints(left.parent, repo).on_train_begin()
    assert not left.exists()


def test_other_processes_of_a_training_push_nothing(hub, repo, run_at, monkeypatch):
    monkeypatch.setattr(push, "this_process", lambda: (1, 2))
    hub.forget()
    pushing = PushCheckpoints(run_at(1), repo, every=1)
    pushing.on_train_begin()
    pushing.on_epoch_end(0)
    assert pushing.finish()
    assert not hub.requests()


def test_a_public_repository_is_refused(hub, repo, run_at):
    hub.api.create_repo(repo)
    with pytest.raises(ValueError, match=f"{repo} is public.*hf repos settings {repo} --private"):
        PushCheckpoints(run_at(1), repo)
    assert [branch.name for branch in hub.api.list_repo_refs(repo).branches] == ["main"]


def test_a_repository_that_became_public_is_given_nothing_more(hub, pushed, run_at, titles, tmp_path, caplog):
    pushing = PushCheckpoints(tmp_path / "run", pushed, every=1)
    hub.api.update_repo_settings(pushed, private=False)
    run_at(3)
    assert not pushing.finish()
    assert titles(pushed) == ["Epoch 2 of tiny-unet"]
    assert "is public" in caplog.text


@pytest.mark.parametrize("token", ["", "hf_wrong", "hf_stranger"])
def test_who_may_not_write_there_is_told_before_the_training(repo, run_at, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(PermissionError, match=r"hf auth login|may write there") as error:
        PushCheckpoints(run_at(1), repo)
    assert not token or token not in str(error.value)


@pytest.mark.parametrize(("name", "value"), [("every", 0), ("every", 2.5), ("repo", "run"), ("repo", "me/../run")])
def test_a_wrong_argument_is_named(repo, tmp_path, name, value):
    with pytest.raises(ValueError, match=f"(?s){'`every`' if name == 'every' else 'owner/name'}.*{value}"):
        PushCheckpoints(tmp_path, **{"repo": repo, name: value})


def test_a_run_behind_the_branch_is_not_pushed_over_it(pushed, run_at, titles):
    with pytest.raises(ValueError, match=r"holds epoch 2.*epoch 1.*pull_run"):
        PushCheckpoints(run_at(1), pushed)
    assert titles(pushed) == ["Epoch 2 of tiny-unet"]


def test_what_another_machine_pushed_meanwhile_is_not_overwritten(repo, run_at, titles, caplog):
    pushing = PushCheckpoints(run_at(1), repo, every=1)
    assert PushCheckpoints(run_at(3, "other"), repo).finish()
    assert not pushing.finish()
    assert "holds epoch 3" in caplog.text
    assert titles(repo) == ["Epoch 3 of tiny-unet"]


def test_of_two_that_push_at_once_the_second_is_refused(repo, run_at, titles):
    branch, run = Branch(repo), run_at(3)
    head = branch.open()
    assert PushCheckpoints(run_at(2, "other"), repo).finish()
    with pytest.raises(ConnectionError, match="412"):
        branch.commit(Manifest.of(run), head, run, "Epoch 3")
    assert titles(repo) == ["Epoch 2 of tiny-unet"]


def test_a_training_of_another_recipe_is_not_overwritten(pushed, run_at, titles, caplog):
    replace(RECIPE, seed=1).save((run := run_at(3)) / "recipe.json")
    assert not PushCheckpoints(run, pushed).finish()
    assert "another recipe" in caplog.text
    assert titles(pushed) == ["Epoch 2 of tiny-unet"]


def test_a_folder_without_an_epoch_has_nothing_to_push(repo, tmp_path, titles):
    assert PushCheckpoints(tmp_path / "run", repo).finish()
    assert titles(repo) == []
