"""Tasks: what the outputs of a network mean."""

import json
from inspect import get_annotations

import numpy as np
import pytest

from medzoo.evaluation.cases import Cases
from medzoo.evaluation.evaluate import CASES
from medzoo.evaluation.plots.figures import MODULES
from medzoo.inference.scans import ANSWERS
from medzoo.task import TASKS, Classification, FeatureExtraction, Regression, Segmentation, Task, task_from_json

BINARY = Segmentation(("background", "tumor"))
THREE = Segmentation(("background", "edema", "tumor"))


@pytest.mark.parametrize("name", TASKS)
def test_task_survives_json(name):
    task = TASKS[name]()
    assert task_from_json(json.loads(json.dumps(task.to_json()))) == task


@pytest.mark.parametrize("task", [BINARY, THREE, Segmentation(("background", "tumor"), threshold=0.3)])
def test_segmentation_survives_json(task):
    assert task_from_json(json.loads(json.dumps(task.to_json()))) == task


@pytest.mark.parametrize(("task", "outputs", "activation"), [(BINARY, 1, "sigmoid"), (THREE, 3, "softmax")])
def test_two_labels_share_one_sigmoid_and_more_have_a_softmax(task, outputs, activation):
    assert (task.outputs, task.activation) == (outputs, activation)


def test_decide_takes_the_foreground_from_the_threshold_on():
    decided = Segmentation(threshold=0.25).decide(np.array([[[0.2], [0.25], [0.9]]], np.float32))
    assert decided.tolist() == [[0, 1, 1]]
    assert decided.dtype == np.uint8


def test_decide_takes_the_most_probable_of_several_labels():
    decided = THREE.decide(np.array([[[0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]], np.float32))
    assert decided.tolist() == [[1, 2]]
    assert decided.dtype == np.uint8


def test_confidence_of_both_binary_labels_adds_up_to_one():
    probabilities = np.array([[[0.2], [0.7]]])
    assert BINARY.confidence(probabilities, 1).tolist() == [[0.2, 0.7]]
    assert BINARY.confidence(probabilities, 0) == pytest.approx(np.array([[0.8, 0.3]]))


def test_confidence_of_several_labels_is_their_own_output():
    probabilities = np.array([[[0.2, 0.5, 0.3]]])
    assert [THREE.confidence(probabilities, label).item() for label in range(3)] == [0.2, 0.5, 0.3]


def test_own_labels_are_taken_as_they_are():
    THREE.check_labels(THREE.labels)
    assert not THREE.merges_foreground(THREE.labels)
    assert not BINARY.merges_foreground(BINARY.labels)


@pytest.mark.parametrize("labels", [("background", "0", "1"), ("background", "lesion")])
def test_binary_task_merges_every_foreground_label(labels):
    BINARY.check_labels(labels)
    assert BINARY.merges_foreground(labels)


@pytest.mark.parametrize("labels", [("background", "tumor"), ("background", "tumor", "edema")])
def test_several_labels_are_not_matched_by_guess(labels):
    with pytest.raises(ValueError, match="from_coco"):
        THREE.check_labels(labels)


@pytest.mark.parametrize(
    "labels",
    [(), ("background",), ("background", "background"), "tumor", (0, 1), None, [str(number) for number in range(257)]],
)
def test_labels_must_be_two_or_more_different_names(labels):
    with pytest.raises(ValueError, match=r"2 to 256 different names.*\('background', 'tumor'\)"):
        Segmentation(labels)


@pytest.mark.parametrize("threshold", [0, 1, -0.5, 50, float("nan")])
def test_threshold_must_lie_between_zero_and_one(threshold):
    with pytest.raises(ValueError, match="`threshold`.*Received: threshold="):
        Segmentation(threshold=threshold)


def test_unknown_task_names_the_known_ones():
    with pytest.raises(ValueError, match=r"Unknown task 'segmentatoin'\. Did you mean 'segmentation'\?"):
        task_from_json({"type": "segmentatoin"})


def test_unknown_field_of_a_task_names_the_near_one():
    with pytest.raises(ValueError, match="Did you mean 'threshold'"):
        task_from_json({"type": "segmentation", "treshold": 0.5})


def test_two_classes_share_one_sigmoid_of_the_second():
    task = Classification(("benign", "malignant"))
    assert (task.outputs, task.activation) == (1, "sigmoid")
    assert task.decide(np.array([[0.4], [0.5]])).tolist() == [0, 1]


def test_more_classes_have_a_softmax():
    task = Classification(("a", "b", "c"))
    assert (task.outputs, task.activation) == (3, "softmax")
    assert task.decide(np.array([[0.2, 0.5, 0.3]])).tolist() == [1]


def test_probabilities_of_all_classes_add_up_to_one():
    assert Classification().calibrated(np.array([0.3])) == pytest.approx([0.7, 0.3])


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c")])
def test_temperature_flattens_probabilities_and_keeps_their_order(labels):
    outputs = np.array([0.9]) if len(labels) == 2 else np.array([0.1, 0.2, 0.7])
    sharp = Classification(labels).calibrated(outputs)
    flat = Classification(labels, temperature=2).calibrated(outputs)
    assert flat.sum() == pytest.approx(1)
    assert flat.max() < sharp.max()
    assert flat.argsort().tolist() == sharp.argsort().tolist()


def test_temperature_divides_the_logit():
    flat = Classification(temperature=2).calibrated(np.array([0.8]))[1]
    assert np.log(flat / (1 - flat)) == pytest.approx(np.log(0.8 / 0.2) / 2, rel=1e-5)


def test_threshold_speaks_of_calibrated_probabilities():
    # A logit of 2.2 becomes 1.1, a probability of 0.75.
    assert Classification(threshold=0.8).decide(np.array([0.9])) == 1
    assert Classification(threshold=0.8, temperature=2).decide(np.array([0.9])) == 0


def test_other_classes_are_refused():
    with pytest.raises(ValueError, match=r"labels \('b', 'a'\), the model \('a', 'b'\)"):
        Classification(("a", "b")).check_labels(("b", "a"))


@pytest.mark.parametrize("values", [{"labels": ("a",)}, {"labels": "ab"}, {"threshold": 1}, {"temperature": 0}])
def test_wrong_values_of_a_classification_are_named(values):
    with pytest.raises(ValueError, match=f"`{next(iter(values))}` must"):
        Classification(**values)


def test_fitted_regression_has_targets_of_mean_zero_and_deviation_one_and_back():
    values = [30.0, 50.0, 70.0]
    task = Regression("lvef").fit(values)
    encoded = task.encode(values)
    assert (encoded.mean(), encoded.std()) == pytest.approx((0, 1), abs=1e-6)
    assert task.decode(encoded[:, None]) == pytest.approx(values)


def test_a_regression_with_its_scale_keeps_it():
    task = Regression("lvef", mean=1, std=2)
    assert task.fit([5.0, 6.0]) is task


def test_a_constant_target_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="The target 'lvef' is 5 in all 3 training images"):
        Regression("lvef").fit([5.0, 5.0, 5.0])


def test_another_target_is_refused():
    with pytest.raises(ValueError, match="the target age, the model answers 'lvef'"):
        Regression("lvef").check_labels(("age",))


@pytest.mark.parametrize("values", [{"mean": 1}, {"mean": 0, "std": 0}, {"mean": 0, "std": np.nan}])
def test_a_scale_that_is_none_is_refused(values):
    with pytest.raises(ValueError, match="`std` must|`mean` and `std` must"):
        Regression(**values)


MEMBERS = sorted({*get_annotations(Task), *(name for name in vars(Task) if not name.startswith("_"))})


@pytest.mark.parametrize("name", TASKS)
def test_every_task_says_all_that_a_task_must_say(name):
    task = TASKS[name]()
    assert not [member for member in MEMBERS if not hasattr(task, member)]
    # What the protocol leaves open has no body there, and so would answer None.
    for member in ("labels", "outputs", "activation", "check_labels", "to_json"):
        assert getattr(type(task), member) is not getattr(Task, member), member


def test_every_task_that_answers_has_a_row_in_the_table_of_each_package():
    answering = {name for name, task in TASKS.items() if task().outputs}
    assert ANSWERS.keys() == CASES.keys() == MODULES.keys() == answering


@pytest.mark.parametrize("name", CASES)
def test_the_module_of_every_task_gives_what_is_asked_of_it(name):
    cases = {*get_annotations(Cases), *(member for member in vars(Cases) if not member.startswith("_"))}
    assert not [member for member in cases if not hasattr(CASES[name], member) and member != "task"]
    assert not [member for member in ("FIGURES", "FOLDS", "case_sheets") if not hasattr(MODULES[name], member)]


@pytest.mark.parametrize("task", [THREE, Classification(), Regression("lvef", mean=4, std=2)])
def test_encoded_targets_have_the_type_that_the_task_names(task):
    encoded = task.encode([0, 1, 1])
    assert (encoded.dtype, encoded.shape) == (task.target_dtype, (3,))


@pytest.mark.parametrize("task", [BINARY, Classification(threshold=0.3), FeatureExtraction()])
def test_a_task_that_learns_nothing_from_targets_stays_as_it_is(task):
    assert task.fit([0, 1]) is task


def test_an_uncalibrated_classification_has_the_labels_only():
    assert Classification(("a", "b"), threshold=0.3, temperature=2).uncalibrated() == Classification(("a", "b"))


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (BINARY, Segmentation(("background", "label_1", "label_2"))),
        (Classification(("a", "b"), threshold=0.3), Classification(("label_0", "label_1", "label_2"))),
        (FeatureExtraction(), Classification(("label_0", "label_1", "label_2"))),
        (Regression(), None),
    ],
)
def test_a_new_head_numbers_its_labels(task, expected):
    assert task.with_labels(3) == expected


def test_features_have_no_labels_to_check():
    with pytest.raises(ValueError, match="gives features, so it cannot be trained"):
        FeatureExtraction().check_labels(("a", "b"))


@pytest.mark.parametrize("labels", [("background", "tumor"), ("background", "a", "b", "c")])
def test_outputs_one_after_the_other_decide_as_all_together(labels):
    task = Segmentation(labels)
    probabilities = np.random.default_rng(0).random((5, 6, task.outputs), dtype=np.float32).round(1)
    mask, confidence = task.decide_outputs(iter(np.moveaxis(probabilities, -1, 0)))
    assert (mask == task.decide(probabilities)).all() and mask.dtype == np.uint8
    expected = np.stack([task.confidence(probabilities, label) for label in range(len(labels))], axis=-1)
    assert (confidence == np.take_along_axis(expected, mask[..., None].astype(int), -1)[..., 0]).all()
