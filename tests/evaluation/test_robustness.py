"""Scores on changed scans, and false alarms on healthy ones."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from medzoo import read_scan
from medzoo.data import Samples, from_arrays
from medzoo.evaluation.evaluate import evaluate
from medzoo.evaluation.record import Evaluation
from medzoo.evaluation.robustness import CHANGES, NOISE, false_alarms, robustness
from medzoo.task import Classification

PICTURES = [name for name, change in CHANGES.items() if change.pictures]
MOVES = [name for name, change in CHANGES.items() if change.moves]


def corner_bright(images):
    """A network that finds what is bright, but only in the left half of its input."""
    found = images.copy()
    found[:, :, 4:] = 0
    return found


@pytest.fixture
def left_half(make_samples):
    """Two pictures with a bright patch in the left half, not symmetric in any way."""
    masks = np.zeros((2, 8, 8), np.uint8)
    masks[:, 1:4, 0:2] = 1
    masks[1, 5, 1] = 1
    return make_samples(masks, masks)


def test_a_model_that_takes_any_side_keeps_its_score_when_pictures_are_moved(model, left_half):
    rows = {row["change"]: row["value"] for row in robustness(model, left_half, "valid")["changes"]}
    assert rows["none"] == evaluate(model, left_half)["dice"] == 1
    assert {rows[name] for name in MOVES} == {1}


def test_a_model_that_knows_one_side_only_loses_where_pictures_are_moved(model, left_half):
    model.predict_on_batch = corner_bright
    rows = {row["change"]: row["value"] for row in robustness(model, left_half)["changes"]}
    assert rows["none"] == 1
    assert rows["mirrored"] == rows["turned by 180 degrees"] == 0


def test_the_record_names_split_and_score(model, left_half):
    record = robustness(model, left_half, "valid")
    assert (record["split"], record["score"]) == ("valid", "dice")
    assert [row["change"] for row in record["changes"]] == list(CHANGES)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("name", CHANGES)
def test_every_change_keeps_type_and_channels(name, dtype):
    pixels = (np.arange(12 * 10 * 2).reshape(12, 10, 2) % 200).astype(dtype)
    changed = CHANGES[name].pixels(pixels)
    assert changed.dtype == dtype
    assert sorted(changed.shape) == sorted(pixels.shape)
    assert changed.shape[-1] == 2
    assert np.array_equal(changed, pixels) == (name == "none")


@pytest.mark.parametrize("name", [name for name in CHANGES if name not in PICTURES])
def test_a_volume_changes_in_the_plane_of_its_slices(name):
    volume = (np.arange(3 * 8 * 6).reshape(3, 8, 6, 1) % 250).astype(np.uint8)
    changed = CHANGES[name].pixels(volume)
    assert changed.shape[0] == 3
    if name in MOVES:
        assert np.array_equal(changed[1], CHANGES[name].pixels(volume[1]))


def test_brighter_is_a_fifth_more_and_stops_at_the_largest_value_of_the_type():
    pixels = np.array([[[100], [250]]], np.uint8)
    assert CHANGES["20% brighter"].pixels(pixels).ravel().tolist() == [120, 255]
    assert CHANGES["20% darker"].pixels(pixels).ravel().tolist() == [80, 200]


@pytest.mark.parametrize("scale", [1, 200])
def test_noise_and_compression_are_as_strong_for_every_type(scale):
    pixels = (
        cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (64, 64)), (0, 0), 3)[..., None] * scale
    ).astype(np.uint8 if scale == 1 else np.uint16)
    span = float(np.ptp(pixels))
    noise = CHANGES[f"noise of {NOISE:.0%} of the range"].pixels(pixels).astype(float) - pixels
    assert noise.std() / span == pytest.approx(NOISE, rel=0.1)
    loss = CHANGES[PICTURES[0]].pixels(pixels).astype(float) - pixels
    assert 0 < loss.std() / span < 0.05


def test_a_flat_picture_of_large_numbers_stays_flat_when_it_is_compressed():
    pixels = np.full((8, 8, 1), 3000, np.uint16)
    assert np.array_equal(CHANGES["noise of 5% of the range"].pixels(pixels), pixels)
    assert np.array_equal(CHANGES[PICTURES[0]].pixels(pixels), pixels)


def test_targets_of_classes_stay_when_pictures_are_turned(left_half):
    from tests.evaluation.conftest import FakeModel

    samples = Samples(left_half.images, (0, 1), left_half.patients, left_half.splits, ("no", "yes"))
    model = FakeModel(Classification(("no", "yes")), lambda images: images.mean((1, 2)))
    record = robustness(model, samples)
    assert record["score"] == model.task.main_score
    assert {row["value"] for row in record["changes"] if row["change"] in MOVES} == {record["changes"][0]["value"]}


def test_volumes_are_not_compressed_as_jpeg(model):
    from tests.evaluation.conftest import ArrayTarget

    volume = read_scan(np.zeros((3, 8, 8), np.uint8) + np.eye(8, dtype=np.uint8) * 255)
    mask = ArrayTarget(volume.array[..., 0] > 0)
    samples = Samples((volume,), (mask,), ("one",), ("",), ("background", "tumor"))
    assert [row["change"] for row in robustness(model, samples)["changes"]] == [c for c in CHANGES if c not in PICTURES]


def test_an_alarm_is_a_healthy_scan_with_a_marked_pixel(model):
    scans = [np.zeros((8, 8), np.uint8)] * 3 + [np.eye(8, dtype=np.uint8) * 255]
    record = false_alarms(model, scans, "Volunteers")
    assert (record["data"], record["cases"], record["alarms"], record["rate"]["value"]) == ("Volunteers", 4, 1, 0.25)
    assert record["rate"]["low"] < 0.25 < record["rate"]["high"]
    assert record["median_share"] == 1 / 8


def test_no_alarm_has_no_share(model):
    record = false_alarms(model, [np.zeros((8, 8), np.uint8)] * 3)
    assert (record["alarms"], record["rate"]["value"], record["median_share"]) == (0, 0, None)


def test_false_alarms_need_a_segmentation_and_scans(model):
    with pytest.raises(ValueError, match="at least one healthy scan"):
        false_alarms(model, [])
    model.task = Classification(("no", "yes"))
    with pytest.raises(ValueError, match="the task is classification"):
        false_alarms(model, ["scan.png"])


def test_both_stand_in_the_record_and_in_its_text(model, left_half):
    evaluation = replace(
        evaluate(model, left_half),
        robustness=robustness(model, left_half, "valid"),
        healthy=false_alarms(model, [np.zeros((8, 8), np.uint8)] * 5),
    )
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    assert "change of the valid part" in str(evaluation)
    assert "an alarm in 0 of 5" in str(evaluation)


def test_numbered_classes_of_arrays_stand_for_the_names_of_the_task(make_model_of):
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), np.uint8)
    numbered = from_arrays(images, [0, 1] * 3, ("0", "1"))
    model = make_model_of(Classification(("well", "ill")), lambda inputs: inputs.mean((1, 2)) / 255)
    assert robustness(model, numbered)["changes"][0]["change"] == "none"
