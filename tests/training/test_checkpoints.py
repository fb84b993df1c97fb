from __future__ import annotations

import keras
import numpy as np
import pytest

from medzoo import files
from medzoo.training.checkpoints import Checkpoints


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "checkpoints", "val_dice")


@pytest.fixture
def model():
    """A model of three weights that has made one step."""
    return stepped(make_model())


def make_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.AdamW(0.1), loss="mse", jit_compile=False)
    return model


def stepped(model):
    model.train_on_batch(np.ones((1, 2), "float32"), np.ones((1, 1), "float32"))
    return model


def rows(*scores):
    return [{"epoch": epoch, "val_dice": score} for epoch, score in enumerate(scores, 1)]


def write(checkpoints, model, *scores):
    """Write one epoch after the other."""
    for epoch in range(1, len(scores) + 1):
        checkpoints.write(model, rows(*scores[:epoch]))


def optimizer_state(model):
    return [keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_before_the_first_epoch_there_is_nothing(checkpoints):
    assert (checkpoints.epochs(), checkpoints.latest, checkpoints.best) == ([], None, None)
    assert checkpoints.history(None) == []


def test_head_of_another_network_is_refused(checkpoints):
    image = keras.Input((2,))
    model = keras.Model(image, keras.layers.Dense(1)(image))
    checkpoints.write(model, rows(0.1), head=model)
    with pytest.raises(ValueError, match="head of another network"):
        checkpoints.load_weights(model, 1)


def test_an_epoch_brings_its_history(checkpoints, model):
    write(checkpoints, model, 0.1, 0.2)
    assert checkpoints.history(2) == rows(0.1, 0.2)
    assert checkpoints.score(2) == 0.2


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ((0.1, 0.2, 0.3), [3]),
        ((0.1, 0.3, 0.2), [2, 3]),
        ((0.3, 0.2, 0.1), [1, 3]),
        ((0.3, 0.1, 0.1), [1, 3]),
        ((0.1, 0.3, 0.2, 0.4), [4]),
    ],
    ids=str,
)
def test_the_latest_and_the_best_are_kept(checkpoints, model, scores, kept):
    write(checkpoints, model, *scores)
    assert checkpoints.epochs() == kept
    assert checkpoints.latest == len(scores)


def test_of_equal_scores_the_earliest_is_best(checkpoints, model):
    write(checkpoints, model, 0.1, 0.3, 0.3)
    assert checkpoints.best == 2


def test_an_epoch_without_the_score_is_never_better(checkpoints, model):
    checkpoints.write(model, rows(0.0))
    checkpoints.write(model, [*rows(0.0), {"epoch": 2}])
    assert checkpoints.best == 1


def test_epochs_beyond_9999_are_in_order(checkpoints):
    for epoch in (9999, 10000):
        (checkpoints.folder / f"epoch-{epoch:04d}").mkdir(parents=True)
    assert checkpoints.latest == 10000


def test_restore_brings_back_weights_and_the_state_of_the_optimizer(checkpoints, model):
    checkpoints.write(model, rows(0.1))
    other = stepped(stepped(make_model()))
    checkpoints.restore(other, 1)
    assert same(other.get_weights(), model.get_weights())
    assert same(optimizer_state(other), optimizer_state(model))
    assert int(other.optimizer.iterations) == 1


def test_a_restored_new_model_makes_the_same_next_step(checkpoints, model):
    checkpoints.write(model, rows(0.1))
    other = make_model()
    checkpoints.restore(other, 1)
    assert same(stepped(other).get_weights(), stepped(model).get_weights())
    assert same(optimizer_state(other), optimizer_state(model))


def test_the_moments_of_the_optimizer_are_not_zero_after_restoring(checkpoints, model):
    checkpoints.write(model, rows(0.1))
    other = make_model()
    checkpoints.restore(other, 1)
    assert sum(np.abs(value).max() > 0 for value in optimizer_state(other)) >= 4


def test_a_failed_write_leaves_the_epochs_before_it_and_nothing_else(checkpoints, model, monkeypatch):
    def full_disk(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left")

    checkpoints.write(model, rows(0.1))
    monkeypatch.setattr(model, "save_weights", full_disk)
    with pytest.raises(OSError, match="No space"):
        checkpoints.write(model, rows(0.1, 0.2))
    assert [path.name for path in checkpoints.folder.iterdir()] == ["epoch-0001"]


def test_a_half_written_epoch_is_ignored_and_cleaned_by_the_next(checkpoints, model):
    checkpoints.write(model, rows(0.1))
    half = checkpoints.folder / ".epoch-0002-killed"
    half.mkdir()
    (half / "model.weights.h5").write_bytes(b"half")
    assert (checkpoints.epochs(), checkpoints.latest, checkpoints.best) == ([1], 1, 1)
    checkpoints.write(model, rows(0.1, 0.2))
    assert [path.name for path in checkpoints.folder.iterdir()] == ["epoch-0002"]


def test_a_kill_while_an_old_epoch_is_deleted_leaves_no_half_of_it(checkpoints, model, monkeypatch):
    def killed_half_way(path, **kwargs):
        if "0001" in path.name:
            (path / "state.json").unlink()
            raise KeyboardInterrupt

    checkpoints.write(model, rows(0.1))
    monkeypatch.setattr("medzoo.training.checkpoints.shutil.rmtree", killed_half_way)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.write(model, rows(0.1, 0.2))
    assert (checkpoints.epochs(), checkpoints.best) == ([2], 2)


def test_a_score_that_is_not_a_number_is_refused_before_the_epoch_has_its_name(checkpoints, model):
    with pytest.raises(ValueError, match="JSON"):
        checkpoints.write(model, rows(float("nan")))
    assert checkpoints.epochs() == []


def test_temporary_names_are_those_that_clean_deletes(tmp_path):
    with files.atomic_folder(tmp_path / "epoch-0001") as temporary:
        assert temporary.match(".epoch-*")
