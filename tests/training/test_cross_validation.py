"""Cross-validation: which images are where, what is kept, and the ensemble."""

from dataclasses import replace

import numpy as np
import pytest

from medzoo.data import Samples, from_arrays, read_split
from medzoo.evaluation.gradcam.explain import explain
from medzoo.evaluation.record import Evaluation
from medzoo.files import read_json, write_json
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification, Regression
from medzoo.training.cross_validation import CrossValidation, cross_validate
from medzoo.training.cross_validation import run as module
from medzoo.training.cross_validation.folds import claim, fold_parts
from medzoo.training.data import divide
from medzoo.training.train import train
from medzoo.zoo.predict import predict
from medzoo.zoo_model import ZooModel

LABELS = ("well", "ill")
NETWORK = {"name": "classifier", "encoder": {"name": "plain", "filters": [4]}}
RECIPE = Recipe("tiny", Classification(LABELS), Preprocessing((8, 8)), NETWORK, batch_size=8, epochs=1)


class Killed(BaseException):
    """Stands in for SIGKILL: nothing catches it."""


def make_samples(splits=None, targets=None, count=24):
    """Return bright and dark pictures, two of each patient."""
    images = np.random.default_rng(0).random((count, 8, 8, 1), np.float32)
    images[::2] /= 2
    targets = [number % 2 for number in range(count)] if targets is None else targets
    labels = LABELS if isinstance(targets[0], int) else "size"
    return from_arrays(images, targets, labels, [f"p{number // 2}" for number in range(count)], splits)


WITH_TEST = ["test"] * 8 + ["train"] * 12 + ["valid"] * 4


def write_record(evaluation, folder):
    """Write an evaluation without its figures, which take most of the time."""
    write_json(folder / "evaluation.json", evaluation.to_json())


@pytest.fixture
def trained(monkeypatch):
    """Folders in which the stand-in for `train` trained; a second time it only loads, as `train` does."""
    folders = []

    def stand_in(recipe, samples, run, verbose, cache):
        if not run.exists():
            folders.append(run.name)
            run.mkdir(parents=True)
            (run / "history.csv").write_text("epoch,loss,val_loss\n1,0.5,0.6\n")
        return ZooModel.from_recipe(recipe)

    monkeypatch.setattr(module, "train", stand_in)
    monkeypatch.setattr(module, "write_report", write_record)
    monkeypatch.setattr(CrossValidation, "save", lambda *_: None)
    return folders


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A cross-validation of two folds with held-out images, really trained: its folder, result and saved entries."""
    run, saved = tmp_path_factory.mktemp("crossval") / "run", []

    def save(model, folder, history=None):
        saved.append((folder.relative_to(run).as_posix(), model.recipe.name, model.evaluation is not None))
        folder.mkdir()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_report", write_record)
        return run, cross_validate(RECIPE, make_samples(WITH_TEST), run, folds=2, verbose=0, save=save), saved


def evaluations(run, part):
    return [Evaluation.from_json(read_json(run / f"fold-{number}" / part / "evaluation.json")) for number in (1, 2)]


def test_held_out_patients_are_in_no_fold():
    samples = make_samples(WITH_TEST)
    for train_part, valid, test in fold_parts(samples, RECIPE, 3):
        assert set(test.patients) == {"p0", "p1", "p2", "p3"}
        assert not set(test.patients) & {*train_part.patients, *valid.patients}
        assert not set(train_part.patients) & set(valid.patients)


def test_train_and_valid_are_joined_and_every_image_validates_once():
    parts = fold_parts(make_samples(WITH_TEST), RECIPE, 3)
    validated = sorted(source for part in parts for source in part[1].sources)
    assert validated == sorted(make_samples()[8:].sources)


def test_fraction_of_the_recipe_holds_out_what_its_training_holds_out():
    recipe = replace(RECIPE, split={"valid": 0.2, "test": 0.25})
    samples = make_samples()
    held_out = {part[2].sources for part in fold_parts(samples, recipe, 2)}
    assert held_out == {divide(samples, recipe).part("test").sources}


def test_nothing_is_held_out_unasked():
    assert [len(part) for part in fold_parts(make_samples(), RECIPE, 2)] == [2, 2]


def test_data_of_a_test_part_only_is_refused():
    with pytest.raises(ValueError, match="no images to make folds of"):
        fold_parts(make_samples(["test"] * 24), RECIPE, 2)


def test_holdout_beside_a_test_part_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`holdout` is for data without a test part; got holdout=0.2"):
        cross_validate(RECIPE, make_samples(WITH_TEST), tmp_path / "run", holdout=0.2)
    assert not (tmp_path / "run").exists()


def test_folds_of_a_file_are_taken_as_they_are(tmp_path):
    samples = make_samples()
    rows = [f"{name},{row // 2 % 3 + 1}" for row, name in enumerate(samples.names)]
    path = tmp_path / "folds.csv"
    path.write_text("\n".join(["image,fold", *rows]))
    parts = fold_parts(samples, RECIPE, path)
    assert [sorted(part[1].names) for part in parts] == [
        sorted(samples.names[row] for row in range(24) if row // 2 % 3 == fold) for fold in range(3)
    ]
    assert all(len(part[0]) + len(part[1]) == 24 for part in parts)


def test_a_file_of_one_split_is_no_folds(tmp_path):
    samples = make_samples()
    path = tmp_path / "split.csv"
    path.write_text("\n".join(["image,split", *(f"{name},train" for name in samples.names)]))
    with pytest.raises(ValueError, match="holds one set of parts; expected folds"):
        cross_validate(RECIPE, samples, tmp_path / "run", path)
    assert not (tmp_path / "run").exists()


def test_holdout_beside_a_file_of_folds_is_refused(tmp_path):
    with pytest.raises(ValueError, match="says which images are held out"):
        cross_validate(RECIPE, make_samples(), tmp_path / "run", "folds.csv", holdout=0.2)


def test_folder_says_which_image_is_in_which_fold(tmp_path):
    samples = make_samples(WITH_TEST)
    parts = fold_parts(samples, RECIPE, 3)
    claim(tmp_path, RECIPE, parts)
    assert [part[1].sources for part in read_split(tmp_path / "folds.csv", samples)] == [
        tuple(sorted(part[1].sources, key=samples.sources.index)) for part in parts
    ]


@pytest.mark.parametrize(
    ("recipe", "samples", "count", "words"),
    [
        (replace(RECIPE, epochs=2), make_samples(), 2, "another recipe"),
        (RECIPE, make_samples(), 3, "another number of folds"),
        (RECIPE, make_samples()[:20], 2, "another data set"),
        (RECIPE, make_samples(targets=[1, 0] * 12), 2, "another data set"),
    ],
    ids=["recipe", "folds", "images", "targets"],
)
def test_folder_of_another_cross_validation_is_refused(recipe, samples, count, words, tmp_path):
    claim(tmp_path, RECIPE, fold_parts(make_samples(), RECIPE, 2))
    with pytest.raises(ValueError, match=f"holds a cross-validation of {words}. Choose another folder"):
        claim(tmp_path, recipe, fold_parts(samples, recipe, count))


def test_words_of_the_card_may_change(tmp_path):
    parts = fold_parts(make_samples(), RECIPE, 2)
    claim(tmp_path, RECIPE, parts)
    claim(tmp_path, replace(RECIPE, card={"summary": "Better words."}), parts)


def test_every_fold_is_a_run_with_scores_and_an_entry(finished):
    run, _, saved = finished
    assert saved == [
        ("fold-1/model", "tiny-fold-1", True),
        ("fold-2/model", "tiny-fold-2", True),
        ("ensemble", "tiny-ensemble", True),
    ]
    for number in (1, 2):
        inside = {path.name for path in (run / f"fold-{number}").iterdir()}
        assert {"recipe.json", "history.csv", "valid", "test"} <= inside
    assert {path.name for path in (run / "figures").iterdir()} == {"roc_valid.png", "roc_test.png", "loss.png"}


def test_means_and_deviations_are_numpys(finished):
    run, result, _ = finished
    for scores in result.parts:
        values = [one["log_loss"] for one in evaluations(run, scores.part)]
        assert scores.mean["log_loss"] == pytest.approx(np.mean(values), abs=1e-6)
        assert scores.std["log_loss"] == pytest.approx(np.std(values), abs=1e-6)
        assert scores.std["log_loss"] > 0


def test_ensemble_answers_with_the_mean_of_the_folds(finished):
    run, result, _ = finished
    images = np.random.default_rng(1).random((3, 8, 8, 1), np.float32)
    parts = fold_parts(make_samples(WITH_TEST), RECIPE, 2)
    answers = []
    for number, part in enumerate(parts, 1):
        recipe = replace(RECIPE, name=f"tiny-fold-{number}")
        answers.append(train(recipe, part[0] + part[1], run / f"fold-{number}", verbose=0).predict_on_batch(images))
    assert np.abs(answers[0] - answers[1]).max() > 1e-4
    assert result.model.predict_on_batch(images) == pytest.approx(np.mean(answers, axis=0), abs=1e-5)


def test_ensemble_can_be_explained(finished):
    image = make_samples().images[0].array
    explained = explain(finished[1].model, image)
    assert explained.label == predict(finished[1].model, image).label


def test_ensemble_is_scored_on_what_is_held_out(finished):
    run, result, _ = finished
    found = Evaluation.from_json(read_json(run / "test" / "evaluation.json"))
    assert found.n_cases == 8
    assert result.test.joint == result.model.evaluation.scores == found.scores


def test_finished_cross_validation_trains_nothing(finished, monkeypatch):
    run, result, _ = finished
    monkeypatch.setattr(ZooModel, "fit", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(module, "evaluate", lambda *_: pytest.fail("scored again"))
    again = cross_validate(RECIPE, make_samples(WITH_TEST), run, folds=2, verbose=0, save=pytest.fail)
    assert again == result


def test_killed_cross_validation_keeps_its_finished_folds(trained, tmp_path, monkeypatch):
    scored, evaluate, killed_at = [], module.evaluate, [1]

    def evaluate_until_killed(model, samples):
        if len(scored) in killed_at:
            killed_at.clear()
            raise Killed
        scored.append(model.recipe.name)
        return evaluate(model, samples)

    monkeypatch.setattr(module, "evaluate", evaluate_until_killed)
    with pytest.raises(Killed):
        cross_validate(RECIPE, make_samples(), tmp_path / "run", folds=2, verbose=0)
    result = cross_validate(RECIPE, make_samples(), tmp_path / "run", folds=2, verbose=0)
    assert trained == ["fold-1", "fold-2"]
    assert scored == ["tiny-fold-1", "tiny-fold-2"]
    # Nothing is held out, and every image was seen by a member.
    assert result.test is result.model.evaluation is None


def test_folds_of_a_regression_answer_in_one_scale(trained, tmp_path):
    values = [float(number) for number in range(24)]
    recipe = replace(RECIPE, task=Regression("size"), builder={**NETWORK, "name": "regressor"})
    samples = make_samples(WITH_TEST, values)
    result = cross_validate(recipe, samples, tmp_path / "run", folds=2, verbose=0)
    assert result.model.task.mean == pytest.approx(np.mean(values[8:]))
    assert result.model.task.std == pytest.approx(np.std(values[8:]))


def test_holdout_is_in_the_recipe_of_every_model(trained, tmp_path):
    samples = make_samples()
    result = cross_validate(RECIPE, samples, tmp_path / "run", folds=2, holdout=0.25, verbose=0)
    held_out = divide(samples, result.model.recipe).part("test")
    assert isinstance(held_out, Samples)
    assert [row["patient"] for row in result.test.evaluations[0].cases] == list(held_out.patients)


def test_no_folder_is_claimed_by_a_recipe_that_cannot_train(tmp_path):
    with pytest.raises(ValueError, match="registered"):
        cross_validate(replace(RECIPE, optimizer={"name": "nobody>Optimizer"}), make_samples(), tmp_path / "run", 2)
    assert not (tmp_path / "run").exists()
