"""The facts of a report."""

import json
from dataclasses import replace
from importlib.resources import files

import cv2
import numpy as np
import pytest

from medzoo.inference.regions import LISTED, diameters, regions_of
from medzoo.io import Scan, read_scan
from medzoo.recipe import Augmentation
from medzoo.reports.findings import find, spread, unlike
from tests.dicom_files import dicom, series


def test_regions_are_counted_and_measured_the_largest_first(outlines, picture, answer):
    (tumor,) = find(answer(outlines, picture))["structures"]
    assert (tumor["label"], tumor["count"], tumor["pixels"]) == ("tumor", 2, 25)
    first, second = tumor["regions"]
    assert first["box"] == {"left": 3, "top": 2, "width": 6, "height": 4}
    assert (first["longest"], first["unit"]) == (pytest.approx(np.hypot(4, 6), abs=0.01), "px")
    assert second["pixels"] == 1
    assert "side" not in first


def test_regions_of_a_volume_have_millimetres_sides_and_slices(outlines, volume, answer):
    (tumor,) = find(answer(outlines, volume))["structures"]
    (region,) = tumor["regions"]
    assert tumor["count"] == 1
    assert tumor["volume_mm3"] == region["volume_mm3"] == 48 * 3
    assert (region["side"], region["front"]) == ("right", True)
    assert (region["box"]["first_slice"], region["box"]["last_slice"]) == (2, 4)
    # In a slice it is 2 mm wide and 8 mm from front to back.
    assert (region["longest"], region["unit"]) == (pytest.approx(np.hypot(2, 8), abs=0.01), "mm")


def test_pixels_that_touch_by_a_corner_are_one_region():
    count, _ = regions_of(np.eye(5, dtype=bool), Scan(np.zeros((5, 5, 1), np.uint8), (5, 5)))
    assert count == 1


def test_a_thousand_specks_are_counted_and_not_listed():
    mask = np.zeros((80, 80), bool)
    mask[::2, ::2] = True
    count, regions = regions_of(mask, Scan(np.zeros((80, 80, 1), np.uint8), (80, 80)))
    assert (count, len(regions)) == (1600, LISTED)


@pytest.mark.parametrize("angle", [0, 30, 77])
def test_diameters_do_not_depend_on_the_direction(angle):
    plane = np.zeros((200, 200), np.uint8)
    cv2.ellipse(plane, (100, 100), (60, 20), angle, 0, 360, 1, -1)
    assert diameters(plane > 0, np.ones(2)) == pytest.approx((121, 41), abs=2)


def test_classes_and_values_come_with_what_they_are(classes, values, picture, answer):
    found = find(answer(classes, picture))
    assert found["label"] == "normal"
    assert sum(found["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert "source" not in found
    value = find(answer(values, picture))
    assert (value["target"], value["unit"]) == ("bone density", "mg/cm3")


def test_findings_hold_no_name_or_path_of_the_scan(outlines, volume, answer):
    assert "scan.nii" not in json.dumps(find(answer(outlines, volume)))


@pytest.mark.parametrize("kind", ["outlines", "classes", "values"])
@pytest.mark.parametrize("model", [None, "brain-tumor-unet", "adrenal-resnet10"])
def test_findings_are_as_their_schema_says(kind, model, picture, volume, answer, request):
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(files("medzoo.reports").joinpath("findings.schema.json").read_text())
    network = request.getfixturevalue(kind)
    network.recipe = replace(network.recipe, augmentation=Augmentation(flip=("horizontal",)))
    for scan in (picture, volume) if kind == "outlines" else (picture,):
        prediction = answer(network, scan)
        findings = find(prediction, model, spread(network, prediction))
        jsonschema.validate(json.loads(json.dumps(findings)), schema)


def test_the_model_is_told_by_its_card_and_scores(outlines, picture, answer):
    model = find(answer(outlines, picture), "brain-tumor-unet")["model"]
    assert model["data"] == "Brain tumor dataset (Cheng 2017)"
    assert len(model["sha256"]) == 64
    assert 0.5 < model["test"]["scores"]["recall/tumor"] < 1
    assert "recall/background" not in model["test"]["scores"]
    assert model["test"]["healthy"]["cases"] == 405


def codes(scan, recipe):
    return [warning["code"] for warning in unlike(scan, recipe)]


def test_a_scan_unlike_the_training_data_is_warned_of(outlines, tmp_path):
    rng = np.random.default_rng(0)
    recipe = replace(outlines.recipe, card={"modality": "MRI"})
    grey = rng.integers(0, 256, (32, 32, 1), np.uint8)
    assert codes(Scan(grey, (32, 32)), recipe) == []
    assert codes(Scan(grey[:6], (6, 32)), recipe) == ["small", "shape"]
    assert codes(Scan(rng.integers(0, 256, (32, 32, 3), np.uint8), (32, 32)), recipe) == ["colour"]
    assert codes(Scan(grey.repeat(3, -1), (32, 32)), recipe) == []
    assert codes(Scan(np.zeros((32, 32, 1), np.uint8), (32, 32)), recipe) == ["empty"]
    for scan in (read_scan(dicom(tmp_path / "one")), read_scan(series(tmp_path / "many"))):
        assert unlike(scan, recipe)[0] == {"code": "modality", "scan": "CT", "model": "MRI"}
        assert "modality" not in codes(scan, replace(recipe, card={"modality": "CT"}))


def test_spread_is_that_of_mirrored_scans(outlines, classes, picture, answer):
    assert spread(outlines, answer(outlines, picture)) is None
    outlines.recipe = replace(outlines.recipe, augmentation=Augmentation(flip=("horizontal",)))
    assert spread(outlines, answer(outlines, picture)) == {"axes": ["horizontal"], "agreement": 1.0}
    # A network that sees the left half only.
    outlines.predict_on_batch = lambda inputs: inputs * (np.arange(16)[:, None] < 8)
    assert spread(outlines, answer(outlines, picture))["agreement"] < 0.5
    classes.recipe = replace(classes.recipe, augmentation=Augmentation(flip=("vertical",)))
    assert spread(classes, answer(classes, picture)) == {"axes": ["vertical"], "change": 0.0}
