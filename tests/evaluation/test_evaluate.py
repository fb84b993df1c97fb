"""From a model and samples to the record of an evaluation, and the record to JSON and back."""

import json
import os

import numpy as np
import pytest

from medzoo.data import Samples
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.record import Evaluation
from medzoo.task import Segmentation


def test_evaluate_scores_pooled_and_per_case(model, samples):
    evaluation = evaluate(model, samples)
    assert evaluation["dice"] == pytest.approx(2 * 24 / (32 + 28), abs=1e-6)
    assert evaluation["dice_per_case"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-6)
    assert evaluation["pixel_accuracy"] == pytest.approx(1 - 12 / 192, abs=1e-6)
    assert evaluation.confusion == [[156, 4], [8, 24]]


def test_what_is_predicted_at_ignored_pixels_changes_no_score(model, make_samples):
    true, predicted = np.zeros((2, 1, 8, 8), np.uint8)
    true[0, 2:6, 2:6] = predicted[0, 2:6, 3:6] = 1
    true[0, :, 5:] = 255
    records = []
    for bright in (0, 1):
        predicted[0, :, 5:] = bright
        # Both pictures have the whole range of grey values.
        predicted[0, 7, 0], true[0, 7, 0] = 1, 255
        records.append(evaluate(model, make_samples(predicted, true)))
    assert records[0].cases == records[1].cases
    assert records[0].confusion == records[1].confusion == [[27, 0], [4, 8]]
    assert records[0].cases[0]["area_error_px/tumor"] == -4


def test_evaluate_counts_cases_and_patients(model, samples):
    evaluation = evaluate(model, samples)
    assert (evaluation.n_cases, evaluation.n_patients) == (3, 2)


def test_evaluate_does_not_call_images_patients(model, make_samples):
    evaluation = evaluate(model, make_samples(np.zeros((2, 8, 8)), np.zeros((2, 8, 8))))
    assert evaluation.n_patients is None
    assert evaluation.interval["method"] == "jackknife over images, Student's t on a scale without bounds"
    assert str(evaluation).startswith("2 cases, patients not named")


def test_evaluate_reports_empty_cases_apart(model, samples):
    empty = evaluate(model, samples).empty_cases
    assert (empty["cases"], empty["predicted_empty"], empty["false_positive_pixels"]) == (1, 0, 4)
    assert empty["specificity"] == 0
    assert "left out" in empty["rule"]


def test_evaluate_without_empty_cases_has_no_specificity(model, samples):
    assert evaluate(model, samples[:2]).empty_cases["specificity"] is None


def test_evaluate_of_empty_cases_only_has_no_dice(model, make_samples):
    none = np.zeros((2, 8, 8))
    evaluation = evaluate(model, make_samples(none, none))
    assert evaluation["dice"] is None
    assert evaluation["dice_per_case"] is None
    assert evaluation["pixel_accuracy"] == 1
    assert evaluation.empty_cases["specificity"] == 1


def test_evaluate_rows_name_files_and_never_folders(model, make_samples, tmp_path):
    masks = np.stack([np.eye(8)] * 2)
    evaluation = evaluate(model, make_samples(masks, masks))
    assert evaluation.cases[1] == {
        "source": "case_1.png",
        "patient": None,
        "dice": 1.0,
        "iou": 1.0,
        "true_pixels": 8,
        "predicted_pixels": 8,
        "hd95_px/tumor": 0.0,
        "hd95_penalized_px/tumor": 0.0,
        "assd_px/tumor": 0.0,
        "area_error_px/tumor": 0.0,
        "relative_area_error/tumor": 0.0,
    }
    assert str(tmp_path) not in json.dumps(evaluation.to_json())


def test_evaluate_does_not_depend_on_the_batch_size(model, samples):
    assert evaluate(model, samples, batch_size=1).scores == evaluate(model, samples, batch_size=3).scores


def test_evaluate_merges_the_foreground_labels_for_a_binary_model(model, make_samples):
    mask = np.zeros((8, 8))
    mask[:4], mask[4:6] = 1, 2
    samples = make_samples([mask > 0], [mask], labels=("background", "0", "1"))
    assert evaluate(model, samples)["dice"] == 1


def test_evaluate_refuses_other_labels_for_several_foregrounds(model, samples):
    model.task = Segmentation(labels=("background", "edema", "necrosis"))
    with pytest.raises(ValueError, match=r"'tumor'.*'edema', 'necrosis'"):
        evaluate(model, samples)


def test_evaluate_refuses_no_samples(model):
    with pytest.raises(ValueError, match="at least one image"):
        evaluate(model, Samples((), (), (), (), ("background", "tumor")))


def test_evaluate_names_the_image_whose_mask_has_another_size(model, make_samples):
    samples = make_samples([np.zeros((8, 8))], [np.zeros((4, 8))])
    with pytest.raises(ValueError, match=r"case_0.png.*\(8, 8\); got \(4, 8\)"):
        evaluate(model, samples)


def test_evaluate_records_the_split_of_the_samples(model, make_samples):
    masks = np.eye(8)[None]
    assert evaluate(model, make_samples(masks, masks, split="test")).data == {"name": None, "split": "test"}


def test_evaluate_records_the_given_names(model, samples):
    assert evaluate(model, samples, "test", "Tumours").data == {"name": "Tumours", "split": "test"}


def test_record_is_equal_after_json(model, samples):
    evaluation = evaluate(model, samples)
    text = json.dumps(evaluation.to_json(), allow_nan=False)
    assert Evaluation.from_json(json.loads(text)) == evaluation


def test_record_keeps_names_that_need_escapes(model, make_samples):
    masks = np.eye(8)[None]
    label = 'tu"mor\\ \n$a$ \u00fc [red]'
    model.task = Segmentation(labels=("background", label))
    evaluation = evaluate(model, make_samples(masks, masks, ('pa"tient',), labels=model.task.labels))
    assert Evaluation.from_json(json.loads(json.dumps(evaluation.to_json()))) == evaluation
    assert evaluation[f"dice/{label}"] == 1


def test_record_of_one_patient_has_no_interval(model, make_samples):
    masks = np.eye(8)[None]
    assert evaluate(model, make_samples(masks, masks)).scores["dice"] == {"value": 1.0, "low": None, "high": None}


def test_record_without_a_field_is_refused(model, samples):
    value = evaluate(model, samples).to_json()
    del value["scores"]
    with pytest.raises(ValueError, match=r"Missing: \['scores'\]"):
        Evaluation.from_json(value)


def test_record_lists_near_matches_of_an_unknown_score(model, samples):
    with pytest.raises(ValueError, match="'dice'"):
        evaluate(model, samples)["dise"]


def test_record_says_which_field_of_another_task_it_lacks(model, samples):
    evaluation = evaluate(model, samples)
    assert evaluation.detail("empty_cases")["cases"] == evaluation.empty_cases["cases"]
    with pytest.raises(ValueError, match="of a segmentation has no `curves`"):
        evaluation.detail("curves")


def test_record_prints_an_aligned_table(model, samples):
    lines = str(evaluate(model, samples)).splitlines()
    assert lines[0] == "3 cases, 2 patients"
    assert lines[2].split()[:2] == ["dice", "0.800"]
    assert len({len(line) for line in lines[2:-1]}) == 1


def test_record_says_where_it_was_made(model, samples):
    evaluation = evaluate(model, samples)
    assert {"python", "numpy", "medzoo"} <= evaluation.versions.keys()
    assert evaluation.hardware["cpu"]
    assert 1 <= evaluation.hardware["cores"] <= os.cpu_count()
