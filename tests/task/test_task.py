"""Tasks: what the outputs of a network mean."""

import json

import numpy as np
import pytest

from medzoo.task import TASKS, Classification, Regression, Segmentation, task_from_json

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
    assert THREE.adopt(THREE.labels) is False


@pytest.mark.parametrize("labels", [("background", "0", "1"), ("background", "lesion")])
def test_binary_task_merges_every_foreground_label(labels):
    assert BINARY.adopt(labels) is True


@pytest.mark.parametrize("labels", [("background", "tumor"), ("background", "tumor", "edema")])
def test_several_labels_are_not_matched_by_guess(labels):
    with pytest.raises(ValueError, match="from_coco"):
        THREE.adopt(labels)


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
        Classification(("a", "b")).adopt(("b", "a"))


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
        Regression("lvef").adopt(("age",))


@pytest.mark.parametrize("values", [{"mean": 1}, {"mean": 0, "std": 0}, {"mean": 0, "std": np.nan}])
def test_a_scale_that_is_none_is_refused(values):
    with pytest.raises(ValueError, match="`std` must|`mean` and `std` must"):
        Regression(**values)
