"""Scores from confusion matrices, against hand counts and scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from medzoo.evaluation import scores

LABELS = ("background", "tumor")
THREE = ("background", "edema", "tumor")


def random_masks(seed=0, labels=3):
    generator = np.random.default_rng(seed)
    return generator.integers(labels, size=(8, 8)), generator.integers(labels, size=(8, 8))


def test_confusion_counts_rows_of_truth_and_columns_of_prediction():
    matrix = scores.confusion(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), LABELS)
    assert matrix.tolist() == [[1, 1], [1, 2]]
    assert matrix.dtype == np.int64


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
def test_confusion_is_equal_for_integer_and_float_masks(dtype):
    true, predicted = random_masks(labels=2)
    expected = scores.confusion(true, predicted, LABELS)
    assert np.array_equal(scores.confusion(true.astype(dtype), predicted.astype(dtype), LABELS), expected)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([0, 0.5], "whole label indices"),
        ([0, np.nan], "whole label indices"),
        ([0, np.inf], "0 to 1; got values from 0.0 to inf"),
        ([0, 255], "0 to 1; got values from 0 to 255"),
        ([-1, 0], "0 to 1; got values from -1 to 0"),
        ([0, 1, 1], "one shape"),
    ],
)
def test_confusion_refuses_masks_that_are_not_labels(mask, message):
    with pytest.raises(ValueError, match=message):
        scores.confusion(np.array([0, 1]), np.array(mask), LABELS)


def test_confusion_refuses_text():
    with pytest.raises(TypeError, match="predicted_mask"):
        scores.confusion(np.array([0, 1]), np.array(["0", "1"]), LABELS)


def test_pooled_scores_of_a_hand_count():
    pooled = scores.pooled_scores(np.array([[90, 2], [3, 5]]), LABELS)
    assert pooled["dice"] == pytest.approx(10 / 15)
    assert pooled["iou"] == pytest.approx(5 / 10)
    assert pooled["pixel_accuracy"] == pytest.approx(0.95)
    assert pooled["precision/tumor"] == pytest.approx(5 / 7)
    assert pooled["recall/tumor"] == pytest.approx(5 / 8)
    assert pooled["f1/tumor"] == pooled["dice/tumor"] == pooled["dice"]
    assert pooled["f1/background"] == pytest.approx(180 / 185)


def test_pooled_scores_of_a_perfect_answer_are_one():
    pooled = scores.pooled_scores(np.diag([7, 2, 3]), THREE)
    assert set(map(float, pooled.values())) == {1.0}


def test_pooled_scores_without_any_overlap_are_zero_for_the_foreground():
    pooled = scores.pooled_scores(np.array([[4, 3], [2, 0]]), LABELS)
    assert pooled["dice"] == pooled["iou"] == pooled["precision/tumor"] == pooled["recall/tumor"] == 0


def test_pooled_scores_without_any_foreground_are_not_known():
    pooled = scores.pooled_scores(np.array([[9, 0], [0, 0]]), LABELS)
    assert np.isnan(pooled["dice"])
    assert np.isnan(pooled["precision/tumor"])
    assert pooled["pixel_accuracy"] == 1


def test_mean_dice_leaves_out_a_label_that_occurs_nowhere():
    pooled = scores.pooled_scores(np.array([[9, 0, 0], [1, 1, 0], [0, 0, 0]]), THREE)
    assert np.isnan(pooled["dice/tumor"])
    assert pooled["dice"] == pooled["dice/edema"] == pytest.approx(2 / 3)


def test_pooled_scores_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    true, predicted = (mask.ravel() for mask in random_masks())
    matrix = scores.confusion(true, predicted, THREE)
    pooled = scores.pooled_scores(matrix, THREE)
    assert np.array_equal(matrix, metrics.confusion_matrix(true, predicted))
    assert pooled["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(true, predicted))
    assert pooled["iou"] == pytest.approx(metrics.jaccard_score(true, predicted, labels=[1, 2], average="macro"))
    for index, row in enumerate(zip(*metrics.precision_recall_fscore_support(true, predicted)[:3], strict=True)):
        assert [pooled[f"{name}/{THREE[index]}"] for name in ("precision", "recall", "f1")] == pytest.approx(row)


def test_case_with_empty_truth_has_no_score_and_a_missed_one_has_zero():
    empty, missed, perfect = [[9, 0], [0, 0]], [[5, 0], [4, 0]], [[5, 0], [0, 4]]
    case = scores.case_scores(np.array([empty, missed, perfect]))
    np.testing.assert_array_equal(case["dice"], [np.nan, 0, 1])
    np.testing.assert_array_equal(case["iou"], [np.nan, 0, 1])


def test_case_with_false_positives_only_has_no_score():
    assert np.isnan(scores.case_scores(np.array([[[5, 4], [0, 0]]]))["dice"][0])


def test_case_mean_counts_only_the_labels_that_the_case_holds():
    case = scores.case_scores(np.array([[[4, 0, 2], [0, 3, 0], [0, 0, 0]]]))
    assert case["dice"][0] == 1


def test_the_label_with_the_most_pixels_names_a_case():
    rows = ([0, 0, 1, 1, 1], [0, 0, 2, 2, 0], [0, 2, 2, 2, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0])
    answers = ([0, 0, 1, 2, 1], [0, 0, 1, 1, 2], [0, 2, 2, 1, 0], [0, 0, 0, 0, 0], [0, 2, 0, 0, 0])
    labels = ("background", "meningioma", "glioma")
    confusions = np.stack([scores.confusion(*map(np.array, pair), labels) for pair in zip(rows, answers, strict=True)])
    counted = scores.main_labels(confusions)
    true, predicted = (counted.sum(axis).argmax(-1) for axis in (-1, -2))
    assert true.tolist() == [1, 2, 2, 1, 0]
    assert predicted.tolist() == [1, 1, 2, 0, 2]
    values = scores.main_label_scores(counted.sum(0))
    assert values["main_label_accuracy"] == 2 / 5
    assert values["main_label_f1_macro"] == pytest.approx(f1_score(true, predicted, labels=[1, 2], average="macro"))


def test_merged_counts_any_foreground():
    confusions = np.arange(18).reshape(2, 3, 3)
    assert scores.merged(confusions)[0].tolist() == [[0, 1 + 2], [3 + 6, 4 + 5 + 7 + 8]]
    assert scores.merged(confusions).shape == (2, 2, 2)


def test_cases_with_several_labels_or_all_with_the_same_have_no_main_label():
    two, one = np.zeros((2, 1, 3, 3), int)
    two[0] = np.diag([5, 1, 1])
    one[0] = np.diag([5, 1, 0])
    assert scores.main_labels(np.concatenate([two, one])) is None
    assert scores.main_labels(np.concatenate([one, one])) is None
