"""The epochs of a run, and which of them is the best."""

import pytest

from medzoo.files import write_rows
from medzoo.training.history import best_epoch, best_score, read_history, scores_of, stale_epochs

NAN = float("nan")


def history(*scores):
    return [{"epoch": epoch, "val_dice": score} for epoch, score in enumerate(scores, 1)]


def test_rows_of_a_file_are_numbers_without_empty_cells(tmp_path):
    write_rows(tmp_path / "history.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_dice": 0.3}])
    assert read_history(tmp_path) == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_dice": 0.3}]


def test_a_run_before_its_first_epoch_has_no_rows(tmp_path):
    assert read_history(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("scores", "best", "stale"),
    [
        ((), None, 0),
        ((0.2,), 1, 0),
        ((0.2, 0.5, 0.5), 2, 1),
        ((NAN, 0.1, None), 2, 1),
        ((NAN, NAN), None, 2),
    ],
    ids=["none", "one", "equals", "not finite", "never finite"],
)
def test_the_best_epoch_is_the_earliest_of_the_highest_finite_score(scores, best, stale):
    rows = history(*scores)
    assert best_epoch(scores_of(rows, "val_dice")) == best
    assert best_score(rows, "val_dice") == (best and scores[best - 1])
    assert stale_epochs(rows, "val_dice") == stale
