"""Labels and numbers as answers, and volumes as inputs."""

import json

import cv2
import numpy as np
import pytest

from medzoo.inference import predict_scans
from medzoo.io import Scan
from medzoo.preprocessing import Preprocessing
from medzoo.preprocessing.stack import Stack
from medzoo.task import Classification, Regression, Segmentation

BINARY = Classification(("benign", "malignant"))


class Mean:
    """A model whose answer is a function of the mean of its input."""

    def __init__(self, task, preprocessing, answer=lambda mean: [mean]):
        self.task, self.preprocessing, self._answer = task, preprocessing, answer

    def predict_on_batch(self, inputs):
        return np.array([self._answer(pixels.mean()) for pixels in inputs], np.float32)


class Copy:
    """A segmentation that answers with its own input."""

    def __init__(self, preprocessing):
        self.task, self.preprocessing = Segmentation(("background", "lesion")), preprocessing

    def predict_on_batch(self, inputs):
        return inputs[..., :1]


def picture(value):
    return np.full((4, 4, 1), value, np.float32)


def volume(depth=5):
    array = np.zeros((depth, 4, 4, 1), np.float32) + np.arange(depth)[:, None, None, None]
    return Scan(array.astype(np.float32), array.shape[:3], source="volume.nii.gz")


PLAIN = Preprocessing((4, 4), normalization=None)


def test_a_class_is_answered_with_its_label_and_confidence():
    low, high = predict_scans(Mean(BINARY, PLAIN), [picture(0.25), picture(0.75)])
    assert (low.label, low.index, low.confidence) == ("benign", 0, 0.75)
    assert (high.label, high.index, high.confidence) == ("malignant", 1, 0.75)
    assert high.summary == "malignant (75%)"


def test_a_class_is_written_as_json(tmp_path):
    (result,) = predict_scans(Mean(BINARY, PLAIN), [Scan(picture(0.75), (4, 4), source="scans/a.png")])
    paths = result.save_all(tmp_path)
    assert paths == {"json": tmp_path / "a.json"}
    saved = json.loads(paths["json"].read_text())
    assert saved.pop("medzoo")["files"] == {}
    assert saved == {
        "source": "scans/a.png",
        "task": "classification",
        "label": "malignant",
        "confidence": 0.75,
        "probabilities": {"benign": 0.25, "malignant": 0.75},
    }


def test_confidence_is_calibrated_and_outputs_are_not():
    (result,) = predict_scans(Mean(Classification(temperature=2.0), PLAIN), [picture(0.8)])
    assert result.outputs == pytest.approx([0.8])
    assert result.confidence == pytest.approx(2 / 3, rel=1e-4)


def test_a_number_is_answered_in_its_unit():
    task = Regression("lvef", unit="%", mean=60, std=10)
    (result,) = predict_scans(Mean(task, PLAIN), [picture(-1.5)])
    assert result.value == pytest.approx(45)
    assert result.summary == "lvef 45 %"
    assert result.to_json()["value"] == pytest.approx(45)
    assert result.to_json()["unit"] == "%"


def test_neighbouring_stacks_of_a_volume_are_averaged():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack(average=3))
    square = Mean(Regression(), preprocessing, lambda mean: [mean**2])
    (result,) = predict_scans(square, [volume()])
    assert result.value == pytest.approx((1 + 4 + 9) / 3)


def test_named_slices_are_taken_one_for_each_scan():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack())
    results = predict_scans(Mean(Regression(), preprocessing), [volume(), volume()], slices=[1, None])
    assert [result.value for result in results] == [1, 2]


def test_scans_of_several_inputs_are_told_apart_across_batches():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack(average=3))
    results = predict_scans(Mean(Regression(), preprocessing), [volume(5), volume(9)], batch_size=2)
    assert [result.value for result in results] == [2, 4]


def test_a_volume_is_one_input_of_a_volumetric_model():
    volumetric = Mean(Regression(), Preprocessing((8, 4, 4), normalization=None))
    (result,) = predict_scans(volumetric, [volume()])
    assert result.value == pytest.approx(2, abs=0.1)


def test_a_volumetric_mask_lies_in_the_grid_of_the_scan(tmp_path):
    array = np.zeros((6, 8, 10, 1), np.float32)
    array[2:4, 2:6, 5:] = 1
    scan = Scan(array, array.shape[:3], source="scan.nii.gz")
    (result,) = predict_scans(Copy(Preprocessing((6, 8, 10), normalization=None, fit="pad")), [scan])
    assert np.array_equal(result.mask, array[..., 0])
    assert result.probabilities.shape == (6, 8, 10, 1)
    assert result.to_json()["labels"][0]["pixels"] == 2 * 4 * 5
    assert set(result.save_all(tmp_path)) == {"mask", "overlay", "json"}


def test_what_a_volumetric_model_cropped_is_background():
    array = np.ones((4, 4, 4, 1), np.float32)
    (result,) = predict_scans(Copy(Preprocessing((2, 2, 2), normalization=None, fit="crop")), [array])
    assert result.displayed_mask.sum() == result.displayed_mask[1:3, 1:3, 1:3].sum() == 8


def test_slices_with_neighbours_as_channels_are_answered_one_by_one():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack())
    array = np.zeros((5, 4, 4, 1), np.float32)
    array[2] = 1
    # The first channel of a stack is the slice before its centre.
    (result,) = predict_scans(Copy(preprocessing), [array])
    assert result.displayed_mask.max(axis=(1, 2)).tolist() == [0, 0, 0, 1, 0]


def test_a_volume_that_does_not_fit_is_handed_to_on_error_and_the_next_one_follows():
    preprocessing = Preprocessing((4, 4), 3, normalization=None, stack=Stack())
    failed = []
    model = Mean(Regression(), preprocessing)
    results = list(predict_scans(model, [volume(2), volume()], on_error=lambda _, error: failed.append(str(error))))
    assert [result.value for result in results] == [2]
    assert "2 slices are fewer than the 3" in failed[0]


def test_the_overlay_of_a_reduced_scan_without_a_file_has_its_full_size(tmp_path):
    # As JPEGs in shards: decoded at half the scale, and at a path that is none.
    scan = Scan(np.zeros((8, 8, 1), np.uint8), (16, 16), source="shards/a.jpg")
    (result,) = predict_scans(Copy(Preprocessing((8, 8))), [scan])
    assert cv2.imread(str(result.overlay(tmp_path / "overlay.png"))).shape == (16, 16, 3)
