from __future__ import annotations

import csv
import warnings
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from medzoo.data import read
from medzoo.data.feed import reader
from medzoo.errors import DivergenceError
from medzoo.training.checkpoints import Checkpoints
from medzoo.training.data import parts
from medzoo.training.train import _refuse_other, train
from medzoo.zoo_model import ZooModel


def history(run):
    with open(run / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def epochs(run):
    return [int(row["epoch"]) for row in history(run)]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def checkpoints_of(run):
    return Checkpoints(run / "checkpoints", "val_dice")


@pytest.fixture
def no_fit(monkeypatch):
    monkeypatch.setattr(ZooModel, "fit", lambda *args, **kwargs: pytest.fail("fit was called"))


def test_history_has_every_epoch_with_scores_rate_and_time(finished):
    run, _ = finished
    assert epochs(run) == [1, 2, 3]
    expected = {"epoch", "loss", "dice", "pixel_accuracy", "learning_rate", "seconds"}
    assert set(history(run)[0]) == expected | {"val_loss", "val_dice", "val_pixel_accuracy"}


def test_the_learning_rate_follows_the_schedule(finished):
    rates = [float(row["learning_rate"]) for row in history(finished[0])]
    assert rates == pytest.approx([1e-2, 0.5e-2, 0], abs=1e-6)


def test_tensorboard_logs_are_written(finished):
    kinds = {path.parent.name for path in (finished[0] / "tensorboard").rglob("events.out.*")}
    assert kinds == {"train", "validation"}


def test_the_weights_are_those_of_the_epoch_with_the_best_monitored_score(finished, recipe):
    run, weights = finished
    scores = [float(row["val_dice"]) for row in history(run)]
    checkpoints = checkpoints_of(run)
    assert checkpoints.best == scores.index(max(scores)) + 1
    model = ZooModel.from_recipe(recipe)
    checkpoints.load_weights(model, checkpoints.best)
    assert same(model.get_weights(), weights)


def test_a_finished_run_started_again_trains_nothing_and_gives_the_same(finished, recipe, samples, no_fit):
    run, weights = finished
    assert same(train(recipe, samples, run).get_weights(), weights)
    assert epochs(run) == [1, 2, 3]


def test_the_last_row_of_the_history_is_written_after_a_kill_before_it(finished, recipe, samples, no_fit):
    run, _ = finished
    (run / "history.csv").unlink()
    train(recipe, samples, run)
    assert epochs(run) == [1, 2, 3]


def test_a_killed_run_goes_on_from_its_last_epoch(interrupted, recipe, samples):
    assert epochs(interrupted) == [1]
    first = history(interrupted)[0]
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        write = Checkpoints.write
        patch.setattr(
            Checkpoints,
            "write",
            lambda self, model, *rest: steps.append(int(model.optimizer.iterations)) or write(self, model, *rest),
        )
        train(recipe, samples, interrupted, verbose=0)
    assert epochs(interrupted) == [1, 2, 3]
    assert history(interrupted)[0] == first
    assert steps == [4, 6]


def test_a_resumed_run_keeps_the_learning_rates_of_an_unbroken_one(interrupted, finished, recipe, samples):
    train(recipe, samples, interrupted, verbose=0)
    broken, unbroken = ([float(row["learning_rate"]) for row in history(run)] for run in (interrupted, finished[0]))
    assert broken == pytest.approx(unbroken)


def test_the_same_recipe_gives_the_same_first_epoch(interrupted, finished):
    first, second = (history(run)[0] for run in (interrupted, finished[0]))
    assert float(first["loss"]) == pytest.approx(float(second["loss"]), rel=1e-4)


def test_what_a_kill_left_half_written_is_cleaned(finished, recipe, samples):
    run, _ = finished
    (run / "checkpoints" / ".epoch-0004-killed").mkdir()
    train(recipe, samples, run)
    assert not list((run / "checkpoints").glob(".*"))


def test_a_run_that_stopped_early_stays_stopped_and_gives_its_best_epoch(recipe, samples, tmp_path, no_fit):
    recipe = replace(recipe, patience=2, epochs=9)
    recipe.save(tmp_path / "recipe.json")
    rows, weights = [], []
    for epoch, score in enumerate((0.5, 0.4, 0.3), 1):
        model = ZooModel.from_recipe(recipe)
        model.compile_from_recipe(steps_per_epoch=2)
        model.optimizer.build(model.trainable_variables)
        rows.append({"epoch": epoch, "val_dice": score})
        weights.append(model.get_weights())
        checkpoints_of(tmp_path).write(model, rows)
    assert same(train(recipe, samples, tmp_path).get_weights(), weights[0])


@pytest.mark.parametrize(("monitor", "best"), [(None, 2), ("pixel_accuracy", 1)])
def test_the_monitored_metric_decides_when_training_stops_and_which_epoch_is_kept(
    monitor, best, recipe, samples, tmp_path, no_fit
):
    recipe = replace(recipe, patience=4 - best, epochs=9, monitor=monitor)
    recipe.save(tmp_path / "recipe.json")
    rows, weights = [], []
    checkpoints = Checkpoints(tmp_path / "checkpoints", recipe.validation_score)
    for epoch, scores in enumerate([(0.2, 0.9), (0.5, 0.8), (0.4, 0.7), (0.3, 0.6)], 1):
        model = ZooModel.from_recipe(recipe)
        model.compile_from_recipe(steps_per_epoch=2)
        model.optimizer.build(model.trainable_variables)
        rows.append({"epoch": epoch, "val_dice": scores[0], "val_pixel_accuracy": scores[1]})
        weights.append(model.get_weights())
        checkpoints.write(model, rows)
    assert same(train(recipe, samples, tmp_path).get_weights(), weights[best - 1])


def test_a_run_of_another_recipe_is_refused_and_untouched(finished, recipe, samples, no_fit):
    run, _ = finished
    before = (run / "recipe.json").read_bytes()
    with pytest.raises(ValueError, match="holds a run of another recipe"):
        train(replace(recipe, seed=1), samples, run)
    assert (run / "recipe.json").read_bytes() == before


def test_a_run_may_change_the_words_of_its_card(finished, recipe, samples, no_fit):
    model = train(replace(recipe, card={"summary": "Better."}), samples, finished[0])
    assert model.recipe.card == {"summary": "Better."}


def test_tuples_in_a_recipe_are_the_lists_of_its_file(finished, recipe, samples, no_fit):
    train(replace(recipe, augmentation={"flip": ("horizontal",), "rotation": 10}), samples, finished[0])


def test_divergence_keeps_the_best_weights_and_writes_nothing(interrupted, recipe, samples, monkeypatch):
    read_rows = reader.read_rows

    def with_nan(*args):
        for image, mask in read_rows(*args):
            yield np.full_like(image, np.nan), mask

    before = {path: path.read_bytes() for path in interrupted.rglob("epoch-0001/*")}
    assert before
    monkeypatch.setattr(reader, "read_rows", with_nan)
    with pytest.raises(DivergenceError, match=r"loss became nan in batch 1; the best weights, of epoch 1, are kept"):
        train(recipe, samples, interrupted, verbose=0)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert checkpoints_of(interrupted).epochs() == [1]
    assert epochs(interrupted) == [1]
    assert "nan" not in (interrupted / "history.csv").read_text().lower()


def test_mixed_precision_gives_a_float32_model(recipe, samples, tmp_path, monkeypatch):
    policies = []
    write = Checkpoints.write
    monkeypatch.setattr(
        Checkpoints,
        "write",
        lambda self, model, *rest: policies.append(model.layers[1].compute_dtype) or write(self, model, *rest),
    )
    model = train(replace(recipe, precision="mixed_bfloat16", epochs=2), samples, tmp_path / "run", verbose=0)
    assert policies == ["bfloat16"] * 2
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert keras.config.dtype_policy().name == "float32"


def test_the_model_is_compiled_for_fine_tuning(finished, recipe, samples):
    model = train(recipe, samples, finished[0])
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(1e-3)
    assert int(model.optimizer.iterations) == 0


def test_a_broken_file_is_named_instead_of_tensorflows_account(recipe, coco_folder, tmp_path):
    samples = read(coco_folder)
    Path(samples.images[3]).write_bytes(b"")
    with pytest.raises(ValueError, match=r"synthetic_0003\.png is empty \(0 bytes\)") as caught:
        train(recipe, samples, tmp_path / "run", verbose=0)
    assert "\n" not in str(caught.value)


def test_resuming_and_training_warn_of_nothing(interrupted, recipe, samples):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train(recipe, samples, interrupted, verbose=0)
    assert not [str(warning.message) for warning in caught if issubclass(warning.category, UserWarning)]


def test_silent_training_prints_nothing(recipe, samples, tmp_path, capfd):
    still = replace(recipe, patience=1, epochs=4, optimizer={"name": "sgd", "learning_rate": 1e-12}, schedule=None)
    train(still, samples, tmp_path / "run", verbose=0)
    assert capfd.readouterr().out == ""


def test_parts_keep_the_split_of_the_data(recipe, samples):
    training, validation = parts(samples, recipe)
    assert (len(training), len(validation)) == (8, 4)
    assert set(validation.splits) == {"valid"}


def test_parts_split_data_without_one_as_the_recipe_says(recipe, samples):
    unsplit = replace(samples, splits=("",) * len(samples))
    training, validation = parts(unsplit, replace(recipe, split={"valid": 0.25}))
    assert (len(training), len(validation)) == (9, 3)
    assert parts(unsplit, replace(recipe, split={"valid": 0.25}))[1].images == validation.images


def test_parts_leave_a_test_part_out(recipe, samples):
    unsplit = replace(samples, splits=("",) * len(samples))
    training, validation = parts(unsplit, replace(recipe, split={"valid": 0.25, "test": 0.25}))
    assert (len(training), len(validation)) == (6, 3)


def test_data_without_a_part_to_train_on_is_an_error(recipe, samples, tmp_path):
    with pytest.raises(ValueError, match="training needs 'train'"):
        train(recipe, samples.part("valid"), tmp_path)


def test_a_train_part_alone_is_split_and_the_test_part_is_left_out(recipe, samples):
    others = replace(samples, splits=tuple(split.replace("valid", "test") for split in samples.splits))
    training, validation = parts(others, recipe)
    assert set(training.images) | set(validation.images) == set(samples.part("train").images)
    assert not set(training.images) & set(validation.images)
    assert len(validation)


def test_a_fraction_of_the_training_part_is_used_and_all_of_the_validation_part(recipe, samples):
    training, validation = parts(samples, replace(recipe, split={"valid": 0.2, "fraction": 0.5}))
    assert len(training) == len(samples.part("train")) // 2
    assert validation.images == samples.part("valid").images


def test_an_unknown_field_of_the_split_names_the_near_one(recipe, samples):
    with pytest.raises(ValueError, match="Unknown field of the split 'frction'. Did you mean 'fraction'"):
        parts(samples, replace(recipe, split={"frction": 0.5}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"balance": {"class_weights": [1, 2, 3]}},
        {"freezing": {"name": "frozen", "until": "stage_9"}},
        {"augmentation": {"mixup": 0.2}},
        {"optimizer": {"name": "nobody>Optimizer"}},
    ],
    ids=str,
)
def test_a_mended_recipe_takes_the_folder_of_one_that_did_not_train(wrong, recipe, samples, tmp_path):
    with pytest.raises(ValueError, match="weights|stage|[Mm]ixup|registered"):
        train(replace(recipe, **wrong), samples, tmp_path / "run", verbose=0)
    _refuse_other(tmp_path / "run", recipe)


def test_an_automatic_precision_trains(recipe, samples, tmp_path):
    model = train(replace(recipe, epochs=2, precision="auto"), samples, tmp_path, verbose=0)
    assert model.recipe.precision == "auto"
    assert {layer.dtype_policy.variable_dtype for layer in model.layers} == {"float32"}
