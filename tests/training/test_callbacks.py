from __future__ import annotations

import csv
from types import SimpleNamespace

import pytest

from medzoo.errors import DivergenceError
from medzoo.files import write_rows
from medzoo.training.callbacks import LowerOnPlateau, StopEarly, StopOnDivergence
from medzoo.training.checkpoints import Checkpoints

SCORES = [0.2, 0.5, 0.4, 0.6, 0.6, 0.5, 0.3, 0.1]


def stopped_after(scores, patience, done=0):
    """Return the number of epochs after which training stops, started anew after `done` of them."""
    history = [{"epoch": epoch, "val_dice": score} for epoch, score in enumerate(scores[:done], 1)]
    callback = StopEarly("val_dice", patience, history)
    callback.set_model(SimpleNamespace(stop_training=False, metrics=[]))
    callback.on_train_begin()
    for epoch, score in enumerate(scores[done:], done):
        callback.on_epoch_end(epoch, {"val_dice": score, "dice": 1.0, "val_loss": -float(epoch)})
        if callback.model.stop_training:
            return epoch + 1
    return None


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7), (4, 8), (5, None)])
def test_training_stops_when_the_monitored_score_was_not_beaten_for_so_many_epochs(patience, epochs):
    assert stopped_after(SCORES, patience) == epochs


@pytest.mark.parametrize("done", range(1, 7))
def test_a_resumed_run_stops_where_an_unbroken_one_does(done):
    assert stopped_after(SCORES, 3, done) == stopped_after(SCORES, 3) == 7


@pytest.fixture
def stop_on_divergence(tmp_path):
    return StopOnDivergence(Checkpoints(tmp_path, "val_dice"))


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_the_training(stop_on_divergence, loss):
    with pytest.raises(DivergenceError, match=r"The loss became (nan|inf) in batch 4; no epoch was finished.*clipnorm"):
        stop_on_divergence.on_train_batch_end(3, {"loss": loss})


def test_a_validation_loss_that_is_not_finite_stops_the_training(stop_on_divergence):
    with pytest.raises(DivergenceError, match=r"The val_loss became nan in epoch 2"):
        stop_on_divergence.on_epoch_end(1, {"loss": 0.1, "val_loss": float("nan")})


def test_finite_losses_pass(stop_on_divergence):
    stop_on_divergence.on_train_batch_end(0, {"loss": 0.1})
    stop_on_divergence.on_epoch_end(0, {"loss": 0.1, "val_loss": 0.2})
    stop_on_divergence.on_train_batch_end(0, None)


def test_the_table_has_a_row_an_epoch_and_every_column(tmp_path):
    write_rows(tmp_path / "history.csv", [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4, "val_dice": 0.3}])
    with open(tmp_path / "history.csv", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"epoch": "1", "loss": "0.5", "val_dice": ""},
            {"epoch": "2", "loss": "0.4", "val_dice": "0.3"},
        ]


@pytest.mark.parametrize("done", range(6))
def test_a_resumed_run_has_the_rate_of_an_unbroken_one(done):
    losses = [1.0, 0.9, 0.95, 0.92, 0.93, 0.94]
    rates = []
    for before in (0, done):
        history = [{"epoch": number, "val_loss": loss} for number, loss in enumerate(losses[:before], 1)]
        callback = LowerOnPlateau(0.8, history, factor=0.5, patience=2)
        # What a resumed optimiser brings along has been lowered already.
        callback.set_model(SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.3)))
        callback.on_train_begin()
        for epoch, loss in enumerate(losses[before:], before):
            callback.on_epoch_end(epoch, {"val_loss": loss})
        rates.append(callback.model.optimizer.learning_rate)
    assert rates == [pytest.approx(0.2)] * 2
