"""Searches, most of them with a stand-in for the training."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna")

from medzoo.data import from_arrays
from medzoo.files import read_json
from medzoo.recipe import Recipe
from medzoo.training.search.plan import Grid, Plan, Trial, by_score
from medzoo.training.search.record import Search
from medzoo.training.search.run import learning_curve, run_job, search
from medzoo.training.search.store import Store
from medzoo.training.search.work import Job, work, work_in_processes
from tests.conftest import RECIPE
from tests.training.search_trainings import starts, train_and_be_killed, train_badly, train_fast

GRID = {"optimizer.learning_rate": [0.01, 0.1, 0.5], "optimizer.weight_decay": [0, 0.2]}
RATES = {"optimizer.learning_rate": {"low": 0.01, "high": 0.5}}


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


@pytest.fixture
def job(tmp_path):
    """A function that makes a search with the stand-in."""

    def job(grid=GRID, sampler="grid", trials=None, train=train_fast, **options):
        return Job(tmp_path / "run", Plan(RECIPE, Grid(grid), sampler, trials), None, train=train, **options)

    return job


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A search that went to its end. Not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    return run_job(Job(folder, Plan(RECIPE, Grid(GRID)), None, train=train_fast))


def work_off(job):
    """Train the trials and return them, the best first, without tables and figures."""
    work(job)
    return by_score(Store(job.run, job.plan).trials())


def test_a_grid_is_trained_point_by_point_and_sorted_by_score(found):
    assert starts(found.folder) == dict.fromkeys(("0000", "0001", "0002", "0003", "0004", "0005"), 1)
    scores = [trial.score for trial in found.trials]
    assert scores == sorted(scores, reverse=True)
    assert found.best.values == {"optimizer.learning_rate": 0.1, "optimizer.weight_decay": 0}
    assert (found.best.score, found.best.epochs, found.best.seconds) == (1, 3, 6)


def test_the_best_recipe_has_the_best_values_and_what_to_expect(found):
    best = Recipe.load(found.folder / "best.json")
    assert best.optimizer == {"name": "adamw", "learning_rate": 0.1, "weight_decay": 0}
    assert best.expected["val_dice"] == 1
    assert best.expected["minutes"] == 0.1
    assert best.builder == RECIPE.builder


def test_results_are_written_as_table_json_and_figures(found):
    lines = (found.folder / "trials.csv").read_text().splitlines()
    assert lines[0] == "trial,val_dice,learning_rate,weight_decay,epochs,seconds,state,reason"
    assert lines[1] == "0002,1.0,0.1,0,3,6.0,finished,"
    assert read_json(found.folder / "search.json")["trials"][0]["name"] == "0002"
    assert {path.name for path in found.folder.glob("figures/*")} == {"importance.png", "parallel.png", "trials.png"}


def test_importances_say_which_field_decides(job):
    found = run_job(job({"optimizer.learning_rate": [0.01, 0.1, 0.5], "batch_size": [2, 4]}))
    assert found.importances["optimizer.learning_rate"] > 0.9
    assert sum(found.importances.values()) == pytest.approx(1, abs=1e-3)


def test_weights_of_the_best_trial_only_are_kept(found):
    assert [path.parent.name for path in found.folder.glob("trials/*/checkpoints")] == [found.best.name]


def test_a_search_that_was_cut_off_trains_what_is_missing_and_goes_on_within_a_trial(job):
    def kill(run, epoch):
        if (run.name, epoch) == ("0002", 1):
            raise Killed

    with pytest.raises(Killed):
        work(job(train=partial(train_fast, after_epoch=kill)))
    assert starts(job().run) == {"0000": 1, "0001": 1, "0002": 1}
    seen = []
    see = partial(train_fast, after_epoch=lambda run, epoch: seen.append((run.name, epoch)))
    trials = work_off(job(train=see))
    assert starts(job().run) == {"0000": 1, "0001": 1, "0002": 2, "0003": 1, "0004": 1, "0005": 1}
    assert min(seen) == ("0002", 2)
    assert sorted(trial.name for trial in trials) == ["0000", "0001", "0002", "0003", "0004", "0005"]
    assert trials[0].name == "0002"


def test_a_finished_search_trains_nothing_and_finds_the_same(found):
    again = run_job(Job(found.folder, found.plan, None, train=train_badly))
    assert again.trials == found.trials


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_two_processes_share_a_search_and_one_takes_up_the_trial_of_the_other_that_is_killed(job):
    work_in_processes(job(train=train_and_be_killed), 2, lambda: None)
    # The other one may have been done before the kill; then the next call takes the trial up.
    assert [trial.epochs for trial in work_off(job())] == [3] * 6
    assert sorted(starts(job().run).values()) == [1, 1, 1, 1, 1, 2]


def test_the_error_of_a_worker_is_told(job):
    Store(job().run, job().plan)
    with pytest.raises(RuntimeError, match="A worker stopped: ValueError: .* holds a search with another grid"):
        work_in_processes(job({"epochs": [1, 2]}), 1, lambda: None)


def test_trials_that_are_being_trained_are_left_alone(job):
    first, second = (Store(job().run, job().plan) for _ in range(2))
    claims = [first.claim(), second.claim(), first.claim()]
    assert [claim.folder.name for claim in claims] == ["0000", "0001", "0002"]


def test_trials_that_are_not_done_are_told(job):
    store = Store(job().run, job().plan)
    claim = store.claim()
    found = Search(job().run, job().plan, tuple(store.trials()), {})
    assert found.trials[0].state == "running"
    assert "6 of 6 trials are not done. Another process trains them, or was killed." in str(found)
    claim.lock.release()


def test_an_error_ends_the_search_and_its_trial_is_tried_again(job):
    with pytest.raises(ValueError, match=r"Trial 0000 \(learning_rate=0.01 weight_decay=0\): scan.png is empty"):
        work(job(train=train_badly))
    assert len(work_off(job())) == 6


def test_a_trial_that_diverges_is_failed_and_the_search_goes_on(job):
    found = run_job(job({"optimizer.learning_rate": [100, 0.1]}))
    assert [(trial.state, trial.reason) for trial in found.trials] == [
        ("finished", None),
        ("failed", "The loss became nan in batch 1"),
    ]
    assert "0000: The loss became nan in batch 1." in str(found)
    work(job({"optimizer.learning_rate": [100, 0.1]}))
    assert starts(found.folder)["0000"] == 1


def test_a_search_in_which_all_failed_has_no_best(job):
    found = run_job(job({"optimizer.learning_rate": [100, 200]}))
    with pytest.raises(ValueError, match=r"No trial in .* was finished. The loss became nan"):
        _ = found.best


def test_a_folder_with_another_grid_is_refused(job):
    Store(job().run, job().plan)
    with pytest.raises(ValueError, match="holds a search with another grid. Choose another folder"):
        Store(job().run, job({"epochs": [1, 2]}).plan)


def test_more_random_trials_may_be_added(job):
    first, more = ({trial.name: trial.values for trial in work_off(job(RATES, "random", count))} for count in (2, 4))
    assert set(more) == {"0000", "0001", "0002", "0003"}
    assert more.items() >= first.items()
    assert list(starts(job().run).values()) == [1] * 4


def test_tpe_comes_nearer_to_the_best_value_with_more_trials(job):
    trials = sorted(work_off(job(RATES, "tpe", 20)), key=lambda trial: trial.name)
    far = [abs(trial.values["optimizer.learning_rate"] - 0.1) for trial in trials]
    assert len(far) == 20
    assert np.mean(far[10:]) < np.mean(far[:10])


def test_pruning_stops_a_trial_that_is_worse_than_the_median(job):
    grid = {"optimizer.learning_rate": [0.1, 0.11, 0.12, 0.13, 0.14, 0.9], "epochs": [9]}
    *others, worst = work_off(job(grid, prune=True))
    assert (worst.values["optimizer.learning_rate"], worst.state) == (0.9, "pruned")
    assert worst.epochs < 9
    assert all(trial.epochs == 9 for trial in others)


def test_nothing_is_pruned_unasked(job):
    grid = {"optimizer.learning_rate": [0.1, 0.11, 0.12, 0.13, 0.14, 0.9], "epochs": [9]}
    assert {trial.state for trial in work_off(job(grid))} == {"finished"}


def test_half_a_line_of_the_journal_is_forgotten(job):
    work(job(RATES, "random", 1))
    with open(job().run / "study.journal", "ab") as file:
        file.write(b'{"op_code":4,"wor')
    assert len(work_off(job(RATES, "random", 2))) == 2


def test_progress_tells_of_each_trial_and_the_best_so_far(job, capsys):
    run_job(job({"optimizer.learning_rate": [100, 0.1]}))
    shown = capsys.readouterr()
    assert not shown.out
    assert "Trial 0000: learning_rate=100 -> The loss became nan in batch 1" in shown.err
    assert "Trial 0001: learning_rate=0.1 -> 1.000" in shown.err
    assert "2/2 trials, best 1.000 (0001)" in shown.err


def test_a_long_table_is_cut_on_the_screen_only(tmp_path):
    trials = tuple(Trial(f"{number:04d}", "finished", {"epochs": 2}, -number) for number in range(25))
    found = Search(tmp_path, Plan(RECIPE, Grid({"epochs": [2, 3]})), trials, {})
    found.save()
    assert str(found).splitlines()[-1] == "... and 5 more"
    assert len(str(found).splitlines()) == 22
    assert len((tmp_path / "trials.csv").read_text().splitlines()) == 26


@pytest.fixture
def samples():
    """Twenty images to train on and four to validate on."""
    images = np.random.default_rng(0).random((24, 16, 16)).astype(np.float32)
    masks = (images > 0.5).astype(np.uint8)
    splits = ["train"] * 20 + ["valid"] * 4
    return from_arrays(images, masks, ("background", "lesion"), splits=splits)


def test_a_learning_curve_tells_the_images_of_each_fraction_in_their_order(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("medzoo.training.train.train", train_fast)
    found = learning_curve(RECIPE, samples, tmp_path / "run", (1, 0.1, 0.5), seeds=2)
    rows = [line.split() for line in str(found).splitlines()]
    images = [int(row[rows[0].index("images")]) for row in rows[1:]]
    assert images == [2, 2, 10, 10, 20, 20]
    assert [path.name for path in (tmp_path / "run" / "figures").iterdir()] == ["learning_curve.png"]


def test_a_fraction_out_of_range_is_refused(samples, tmp_path):
    with pytest.raises(ValueError, match=r"`fractions` must lie above 0 and be at most 1. Received: 10"):
        learning_curve(RECIPE, samples, tmp_path / "run", (10, 1))
    assert not (tmp_path / "run").exists()


def test_workers_must_be_a_number(samples, tmp_path):
    with pytest.raises(ValueError, match="`workers` must be a whole number of at least 1. Received: 0"):
        search(RECIPE, samples, tmp_path / "run", GRID, workers=0)


def test_trials_of_other_seeds_are_judged_by_the_same_images(samples, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "medzoo.training.train.train",
        lambda recipe, samples, run, **options: (
            seen.append(samples.part("valid").sources) or train_fast(recipe, samples, run, **options)
        ),
    )
    search(RECIPE, replace(samples, splits=("",) * 24), tmp_path / "run", {"seed": [0, 1]})
    assert len(seen[0]) > 0
    assert seen[0] == seen[1]


def test_a_search_has_a_record_without_trials():
    empty = Search(Path("run"), Plan(RECIPE, Grid(GRID)), (), {})
    with pytest.raises(ValueError, match="No trial in run was finished"):
        _ = empty.best


def test_no_folder_is_claimed_by_a_grid_that_cannot_be_trained(tmp_path):
    samples = from_arrays(np.zeros((4, 8, 8, 1), np.float32), [0, 1, 0, 1], ("well", "ill"))
    with pytest.raises(ValueError, match="targets of"):
        search(RECIPE, samples, tmp_path / "run", {"epochs": [2, 3]})
    assert not (tmp_path / "run").exists()
