"""Tasks: what the outputs of a network mean."""

import json

import numpy as np
import pytest

from medzoo.task import TASKS, Segmentation, task_from_json

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
