"""The `run.json` of a run."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.data import from_arrays
from medzoo.files import read_json, write_json
from medzoo.training import machine, tracking
from medzoo.training.tracking import track


class TrialPruned(Exception):  # noqa: N818, Optuna's name
    """As Optuna raises in a trial."""


@pytest.fixture
def few():
    images = np.zeros((4, 8, 8), np.float32)
    return from_arrays(images, [0, 1, 0, 1], labels=("a", "b"), patients=["p", "q", "r", "r"])


@pytest.fixture
def run(tmp_path):
    return tmp_path / "run"


def add_epochs(run, *scores):
    """Write the history that a training wrote so far."""
    run.mkdir(exist_ok=True)
    with open(run / "history.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["epoch", "val_dice"])
        writer.writeheader()
        writer.writerows({"epoch": number, "val_dice": score} for number, score in enumerate(scores, 1))


def test_a_finished_run_tells_its_score_and_what_it_was_made_of(run, tiny_recipe, few):
    with track(run, tiny_recipe, few):
        add_epochs(run, 0.2, 0.5, 0.5)
    record = read_json(run / "run.json")
    assert (record["status"], record["reason"], record["name"]) == ("finished", None, "tiny-unet")
    assert (record["score_name"], record["score"], record["best_epoch"], record["epochs"]) == ("val_dice", 0.5, 2, 3)
    assert record["data"] == {"not split": {"images": 4, "patients": 3}}
    assert record["sessions"][0]["versions"]["medzoo"]
    assert record["sessions"][0]["hardware"]["cores"] >= 1


def test_the_file_is_written_at_the_start_and_after_every_epoch(run, tiny_recipe, few):
    with track(run, tiny_recipe, few) as record:
        seen = [read_json(run / "run.json")]
        add_epochs(run, 0.2)
        record.callback.on_epoch_end(0, {})
        seen.append(read_json(run / "run.json"))
    assert [(value["status"], value["epochs"]) for value in seen] == [("running", 0), ("running", 1)]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (KeyboardInterrupt(), "stopped", "KeyboardInterrupt"),
        (ValueError("no\nimages"), "failed", "ValueError: no images"),
        (TrialPruned("worse"), "stopped", "TrialPruned: worse"),
    ],
)
def test_a_run_that_ends_early_says_why(run, tiny_recipe, few, error, status, reason):
    with pytest.raises(type(error)), track(run, tiny_recipe, few):
        raise error
    record = read_json(run / "run.json")
    assert (record["status"], record["reason"]) == (status, reason)


def test_the_error_of_a_full_disk_is_the_one_that_is_shown(run, tiny_recipe, few, monkeypatch):
    def refuse(*_):
        raise OSError("also run.json")

    with pytest.raises(OSError, match="the checkpoint"), track(run, tiny_recipe, few):
        monkeypatch.setattr(tracking, "write_json", refuse)
        raise OSError("the checkpoint")


def test_a_resumed_run_adds_up_its_sessions(run, tiny_recipe, few):
    with track(run, tiny_recipe, few):
        add_epochs(run, 0.2)
    # As a kill leaves it.
    killed = read_json(run / "run.json")
    killed["sessions"][0] |= {"status": "running", "seconds": 100.0, "energy_joules": 7.0, "peak_memory": 10**15}
    write_json(run / "run.json", {**killed, "status": "running"})
    with track(run, tiny_recipe, few):
        add_epochs(run, 0.2, 0.4, 0.3)
    record = read_json(run / "run.json")
    assert [session["status"] for session in record["sessions"]] == ["killed", "finished"]
    assert [session["epochs"] for session in record["sessions"]] == [1, 2]
    assert 100 <= record["seconds"] < 200
    assert record["energy_joules"] >= 7
    assert record["peak_memory"] == 10**15


def test_a_finished_run_that_is_only_loaded_stays_as_it_is(run, tiny_recipe, few):
    with track(run, tiny_recipe, few):
        add_epochs(run, 0.2)
    before = (run / "run.json").read_bytes()
    with track(run, tiny_recipe, few):
        pass
    assert (run / "run.json").read_bytes() == before


def test_a_score_that_is_not_finite_is_no_best(run, tiny_recipe, few):
    with track(run, tiny_recipe, few):
        add_epochs(run, "nan", 0.1)
    assert read_json(run / "run.json")["score"] == 0.1


def test_a_training_keeps_its_record(finished):
    record = read_json(finished[0] / "run.json")
    assert (record["status"], record["epochs"], record["epochs_at_most"]) == ("finished", 3, 3)
    assert record["score"] > 0
    assert record["data"]["train"]["images"] == 8
    assert record["sessions"][0]["seconds"] > 0


def test_a_training_that_was_stopped_keeps_the_record_of_its_epochs(interrupted):
    record = read_json(interrupted / "run.json")
    assert (record["status"], record["epochs"], record["best_epoch"]) == ("stopped", 1, 1)


def zone(folder, name, energy, range_uj=1000):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")


def test_energy_is_that_of_packages_and_memory_across_a_wrap_around(tmp_path):
    range_uj = 10_000_000
    for place, (name, energy) in enumerate([("package-0", 9_000_000), ("core", 0), ("dram", 0), ("psys", 0)]):
        zone(tmp_path / f"intel-rapl:{place}", name, energy, range_uj)
    energy = machine.Energy(tmp_path)
    for place, value in enumerate([1_000_000, 5_000_000, 500_000, 5_000_000]):
        (tmp_path / f"intel-rapl:{place}" / "energy_uj").write_text(str(value))
    assert energy.read() == 2.5


def test_energy_that_nobody_counts_is_none(tmp_path):
    assert machine.Energy(tmp_path).read() is None


def test_git_state_names_the_commit_and_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert machine.git_state() is None
    answers = {"rev-parse": "abc", "status": " M file.py"}
    monkeypatch.setattr(machine, "_output", lambda *command: answers[command[1]])
    assert machine.git_state() == {"commit": "abc", "dirty": True}


@pytest.mark.parametrize(
    ("backend", "flags", "accelerator", "policy"),
    [
        ("tensorflow", "flags\t\t: fpu sse avx512_bf16", None, "mixed_bfloat16"),
        ("torch", "flags\t\t: fpu amx_bf16 amx_tile", None, "mixed_bfloat16"),
        ("torch", "Features\t: fp asimd bf16", None, "mixed_bfloat16"),
        ("tensorflow", "flags\t\t: fpu sse avx512f", None, "float32"),
        ("jax", "flags\t\t: fpu amx_bf16", None, "float32"),
        ("jax", "flags\t\t: fpu", True, "mixed_bfloat16"),
        ("torch", "flags\t\t: fpu amx_bf16", False, "float32"),
        ("tensorflow", None, None, "float32"),
    ],
)
def test_automatic_precision_is_bfloat16_where_the_machine_computes_it(
    backend, flags, accelerator, policy, tiny_recipe, tmp_path, monkeypatch
):
    info = tmp_path / "cpuinfo"
    if flags is not None:
        info.write_text(f"processor\t: 0\n{flags}\n")
    monkeypatch.setattr(machine, "CPU_INFO", info)
    monkeypatch.setattr(machine, "accelerator_has_bfloat16", lambda: accelerator)
    monkeypatch.setattr("keras.backend.backend", lambda: backend)
    recipe = replace(tiny_recipe, precision="auto")
    volumes = replace(recipe, preprocessing=replace(recipe.preprocessing, size=(8, 16, 16)))
    assert machine.policy_of(recipe) == policy
    assert machine.policy_of(volumes) == (policy if accelerator else "float32")
    assert machine.policy_of(replace(volumes, precision="float16")) == "float16"


def test_the_record_says_which_precision_was_used(run, tiny_recipe, few, monkeypatch):
    monkeypatch.setattr(tracking, "policy_of", lambda recipe: f"chosen for {recipe.precision}")
    with track(run, replace(tiny_recipe, precision="auto"), few):
        pass
    assert read_json(run / "run.json")["sessions"][0]["precision"] == "chosen for auto"


@pytest.fixture
def malloc_options(monkeypatch):
    """The options that glibc is given; the environment says nothing about it."""
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD"))]:
        monkeypatch.delenv(name)
    options = {}
    glibc = SimpleNamespace(mallopt=options.__setitem__)
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: glibc)
    return options


def test_glibc_keeps_freed_memory(malloc_options):
    machine.keep_freed_memory()
    assert malloc_options == {-4: 0, -1: 2**31 - 1}


def test_what_the_environment_says_about_memory_counts(malloc_options, monkeypatch):
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    machine.keep_freed_memory()
    assert not malloc_options


def test_without_glibc_nothing_is_done(malloc_options, monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: SimpleNamespace())
    machine.keep_freed_memory()
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    machine.keep_freed_memory()
    assert not malloc_options
