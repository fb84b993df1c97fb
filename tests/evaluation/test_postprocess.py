"""The search for what makes masks better, and its use in every answer."""

import json
from dataclasses import replace

import numpy as np
import pytest

import medzoo
from medzoo.evaluation.validation.postprocess import search
from medzoo.inference import predict_scans
from medzoo.preprocessing import Preprocessing
from medzoo.task import Segmentation
from tests.cli.test_cli import run


class Noisy:
    """Answers with its input, of which single bright pixels are noise."""

    preprocessing = Preprocessing((16, 16), normalization=None)

    def __init__(self, **steps):
        self.task = Segmentation(("background", "lesion"), postprocess=steps)

    def predict_on_batch(self, inputs):
        return inputs


@pytest.fixture
def noisy():
    """Return pictures of a square with noise, and without; the truth is the square."""
    images, masks = [], []
    for seed in range(4):
        mask = np.zeros((16, 16), np.uint8)
        mask[4:9, 4:9] = seed < 3
        image = mask.astype(np.float32)
        image[6, 6] = 0
        image[np.random.default_rng(seed).integers(11, 16, 3), [1, 5, 13]] = 0.9
        images.append(image)
        masks.append(mask)
    return medzoo.data.from_arrays(np.stack(images), np.stack(masks), labels=("background", "lesion"))


def test_what_helps_is_chosen_and_its_gain_is_told(noisy):
    found = search(Noisy(), noisy)
    (choice,) = found.choices
    assert choice.after == 1.0 > choice.before and choice.refinement.fill_holes and choice.refinement.min_pixels
    assert dict(found.task.postprocess) == {"lesion": choice.refinement}
    assert "lesion" in str(found) and "fill_holes" in str(found)


def test_masks_that_are_right_are_left_alone(noisy):
    clean = replace(noisy, images=tuple(np.asarray(target.mask(None), np.float32) for target in noisy.targets))
    found = search(Noisy(), clean)
    assert found.task.postprocess == () and found.choices[0].refinement is None and "none" in str(found)


def test_answers_are_refined_and_their_confidence_is_that_of_what_is_left(noisy):
    model = Noisy(lesion={"min_pixels": 4})
    result = next(predict_scans(model, [noisy.images[0]]))
    finding = result.to_json()["labels"][0]
    assert finding["pixels"] == 24 and finding["regions"] == 1 and finding["confidence"] == 1.0
    assert result.mask.sum() == 24 and result.unrefined_mask.sum() > 24
    filled = next(predict_scans(Noisy(lesion={"fill_holes": True, "min_pixels": 4}), [noisy.images[0]]))
    assert filled.to_json()["labels"][0]["confidence"] == pytest.approx(24 / 25)


def test_evaluations_score_the_masks_that_a_user_gets(noisy):
    before, after = (
        medzoo.evaluate(model, noisy)["dice"]
        for model in (Noisy(), Noisy(lesion={"min_pixels": 4, "fill_holes": True}))
    )
    assert before < after == 1.0


def test_the_command_writes_a_model_that_keeps_its_steps(tiny_entry, coco_folder, tmp_path, capsys):
    out = tmp_path / "run"
    arguments = [
        "evaluate",
        tiny_entry,
        "--data",
        coco_folder,
        "--split",
        "valid",
        "--postprocess",
        "search",
        "-o",
        out,
    ]
    assert run(*arguments) == 0
    assert "dice before" in capsys.readouterr().out
    model = medzoo.load(out / "model")
    kept = json.loads((out / "model/recipe.json").read_text())["task"].get("postprocess", {})
    assert {name: refinement.to_json() for name, refinement in model.task.postprocess} == kept
    assert (out / "evaluation.json").is_file()


@pytest.mark.parametrize(
    ("options", "text"),
    [(("--split", "test"), "which the test part is not for"), (("--engine", "onnx"), "takes Keras")],
)
def test_what_must_not_choose_is_refused(tiny_entry, coco_folder, tmp_path, capsys, options, text):
    arguments = ["evaluate", tiny_entry, "--data", coco_folder, "--postprocess", "search", "-o", tmp_path / "run"]
    assert run(*arguments, *options) == 2 and text in capsys.readouterr().err


def test_a_classifier_has_no_masks():
    model = Noisy()
    model.task = medzoo.task.Classification(("a", "b"))
    with pytest.raises(ValueError, match="Only masks can be post-processed"):
        search(model, medzoo.data.from_arrays(np.zeros((2, 8, 8)), np.array([0, 1])))
