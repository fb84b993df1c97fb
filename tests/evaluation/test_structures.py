"""Distances and sizes of structures, from one case to the record."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from medzoo.evaluation.distances import measure
from medzoo.evaluation.evaluate import evaluate
from medzoo.io import Scan
from medzoo.task import Segmentation

LABELS = ("background", "left", "right")


def two_structures():
    """A volume in which "left" is moved by two slices and "right" is missed."""
    true, predicted = np.zeros((2, 6, 4, 4), np.uint8)
    true[1, 1, 1] = predicted[3, 1, 1] = predicted[3, 1, 2] = 1
    true[5, 3, 3] = 2
    return true, predicted


def test_measures_of_a_volume_are_in_mm():
    measures = measure(*two_structures(), LABELS, spacing=(5.0, 1.0, 2.0))
    assert measures["assd_mm/left"] == pytest.approx((10 + 10 + np.hypot(10, 2)) / 3)
    assert measures["hd95_mm/left"] > 10
    assert measures["volume_error_mm3/left"] == 10
    assert measures["relative_volume_error/left"] == 1


def test_measures_without_spacing_are_in_voxels_or_pixels():
    names = {name.partition("/")[0] for name in measure(*two_structures(), LABELS, None)}
    assert names == {
        "hd95_voxels",
        "hd95_penalized_voxels",
        "assd_voxels",
        "volume_error_voxels",
        "relative_volume_error",
    }
    flat = set(measure(*(mask[1] for mask in two_structures()), LABELS[:2], None))
    names = ("hd95_px", "hd95_penalized_px", "assd_px", "area_error_px", "relative_area_error")
    assert flat == {f"{name}/left" for name in names}


def test_a_missed_structure_costs_the_diagonal_of_the_image_and_an_absent_one_nothing():
    true, none = np.zeros((3, 4), int), np.zeros((3, 4), int)
    true[1, 1] = 1
    missed, absent = (measure(mask, none, LABELS[:2], (2.0, 2.0)) for mask in (true, none))
    assert missed["hd95_penalized_mm/left"] == 10
    assert np.isnan([missed["hd95_mm/left"], absent["hd95_penalized_mm/left"]]).all()


def test_missed_structure_has_no_distance_and_its_whole_volume_as_error():
    measures = measure(*two_structures(), LABELS, (5.0, 1.0, 2.0))
    assert np.isnan([measures["hd95_mm/right"], measures["assd_mm/right"]]).all()
    assert (measures["volume_error_mm3/right"], measures["relative_volume_error/right"]) == (-10, -1)


def test_invented_structure_has_no_relative_error():
    true, predicted = two_structures()
    assert np.isnan(measure(predicted, true, LABELS, None)["relative_volume_error/right"])


def with_spacing(samples, spacings):
    """The samples as scans in memory, each with a spacing or None."""
    pictures = [cv2.imread(path, cv2.IMREAD_GRAYSCALE)[..., None] for path in samples.images]
    pairs = zip(pictures, spacings, samples.images, strict=True)
    scans = tuple(Scan(picture, picture.shape[:2], spacing=spacing, source=path) for picture, spacing, path in pairs)
    return replace(samples, images=scans)


def test_evaluate_averages_distances_over_the_cases_that_have_them(model, samples):
    scored = evaluate(model, with_spacing(samples, [(0.5, 0.5)] * 3))
    distances = [row["hd95_mm/tumor"] for row in scored.cases]
    assert distances == [0, 1.0, None]
    assert scored["hd95_mm/tumor"] == 0.5
    assert scored["area_error_mm2/tumor"] == pytest.approx((0 + 8 + 4) * 0.25 / 3, abs=1e-6)


def test_evaluate_keeps_units_apart(model, samples):
    scored = evaluate(model, with_spacing(samples, [(0.5, 0.5), None, None]))
    assert (scored["hd95_mm/tumor"], scored["hd95_px/tumor"]) == (0, 2)
    assert scored.cases[1]["hd95_mm/tumor"] is None


def test_evaluate_counts_cases_without_a_distance(model, samples):
    distances = evaluate(model, samples).distances
    assert distances["missed"] == {"tumor": 0}
    assert distances["invented"] == {"tumor": 1}
    assert distances["absent"] == {"tumor": 0}
    assert "left out" in distances["rule"]


def test_evaluate_of_several_structures_has_each_per_case(model, make_samples):
    true = np.zeros((8, 8), np.uint8)
    true[:2], true[4:] = 1, 2
    model.task = Segmentation(LABELS)
    model.predict_on_batch = lambda images: np.concatenate([images == 0, images > 0, images < 0], axis=-1) * 1.0
    scored = evaluate(model, make_samples([true == 1], [true], labels=LABELS))
    assert (scored["dice_per_case/left"], scored["dice_per_case/right"]) == (1, 0)
    assert (scored.cases[0]["dice/left"], scored.cases[0]["dice/right"]) == (1, 0)
    assert scored.distances["missed"] == {"left": 0, "right": 1}


def test_evaluate_scores_a_volume_slice_by_slice_in_its_own_spacing(model, samples):
    volume, true = np.zeros((2, 3, 8, 8), np.uint8)
    volume[1, 2:6, 2:6] = 255
    true[1:3, 2:6, 2:6] = 1
    scan = Scan(volume[..., None], volume.shape, spacing=(4.0, 1.0, 1.0), source="volume")
    target = type(samples.targets[0])(true)
    scored = evaluate(model, replace(samples[:1], images=(scan,), targets=(target,), patients=("volume",)))
    assert scored["volume_error_mm3/tumor"] == 64
    assert scored["hd95_mm/tumor"] == 4


KINDS = Segmentation(("background", "benign", "malignant"))


def answers_of_kinds(images):
    """Softmax over three labels: brighter pixels are more of a lesion, and the brighter the more malignant."""
    malignant, lesion = np.clip(images / 127.5 - 1, 0, 1), (images > 0).astype(np.float32)
    return np.concatenate([1 - lesion, lesion * (1 - malignant), lesion * malignant], -1)


@pytest.fixture
def lesions(make_model_of, write_grey):
    """Four lesions of one pixel row each, of which one benign lesion looks more malignant than one malignant one."""
    true = np.zeros((5, 8, 8), np.uint8)
    true[0, 2], true[1, 2], true[2, 2], true[3, 2] = 1, 1, 2, 2
    return make_model_of(KINDS, answers_of_kinds), write_grey((140, 200, 180, 250, 0), true, KINDS.labels)


def test_the_kind_of_a_lesion_is_scored_by_its_share_of_the_probability(lesions):
    evaluation = evaluate(*lesions)
    # Of four pairs of a benign and a malignant lesion one is in the wrong order; the healthy case has no kind.
    assert evaluation["main_label_auc_macro"] == pytest.approx(3 / 4)


def test_the_outline_counts_whatever_the_kind(lesions):
    evaluation = evaluate(*lesions)
    assert evaluation["foreground_dice"] == evaluation["foreground_dice_per_case"] == 1
    assert evaluation["dice"] < 1


def test_organs_side_by_side_have_no_kind(make_model_of, write_grey):
    true = np.zeros((2, 8, 8), np.uint8)
    true[0, 2], true[0, 3], true[1, 4] = 1, 2, 2
    scores = evaluate(make_model_of(KINDS, answers_of_kinds), write_grey((140, 250), true, KINDS.labels)).scores
    assert not [name for name in scores if name.startswith(("main_label", "foreground"))]
