import dataclasses
import json

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.inference import predict_scans
from medzoo.inference.segmentation import draw_overlay
from medzoo.io import read_scan


def answer(model, source):
    return next(predict_scans(model, [source]))


def test_mask_and_probabilities_lie_in_the_grid_of_the_source(echo_model):
    result = answer(echo_model, np.ones((20, 30)))
    assert result.mask.shape == (20, 30)
    assert result.mask.dtype == np.uint8
    assert result.probabilities.shape == (20, 30, 1)


def test_json_tells_pixels_box_and_confidence_of_a_square(echo_model, square):
    finding = answer(echo_model, square).to_json()["labels"][0]
    assert finding["label"] == "lesion"
    assert finding["pixels"] == pytest.approx(8 * 12, abs=8)
    (region,) = finding["boxes"]
    assert np.allclose(region["box"], [16, 8, 12, 8], atol=1)
    assert 0.5 < finding["confidence"] <= 1


def test_a_noisy_answer_lists_its_largest_regions_only(echo_model, monkeypatch):
    monkeypatch.setattr("medzoo.inference.segmentation.LISTED_BOXES", 2)
    image = np.zeros((32, 32), np.float32)
    for row, side in ((0, 4), (10, 8), (24, 6)):
        image[row : row + side, 4 : 4 + side] = 1
    result = answer(echo_model, image)
    finding = result.to_json()["labels"][0]
    assert finding["regions"] == 3 and [region["box"][1] for region in finding["boxes"]] == [10, 24]
    assert result.to_row()["lesion regions"] == 3


def test_json_of_an_empty_answer_has_no_boxes_and_no_confidence(echo_model):
    finding = answer(echo_model, np.zeros((8, 8))).to_json()["labels"][0]
    assert finding == {"label": "lesion", "pixels": 0, "confidence": None, "regions": 0, "boxes": []}


def test_regions_are_listed_from_the_largest(echo_model):
    image = np.zeros((8, 8))
    image[0, 0] = 1
    image[4:8, 4:8] = 1
    boxes = answer(echo_model, image).to_json()["labels"][0]["boxes"]
    assert [region["pixels"] for region in boxes] == [16, 1]


def test_volume_json_names_slices_and_mm3(echo_model, tmp_path):
    voxels = np.zeros((8, 8, 3), np.float32)
    voxels[2:4, 2:4, 1] = 1
    path = tmp_path / "scan.nii.gz"
    nibabel.Nifti1Image(voxels, np.diag([-2.0, -2.0, 5.0, 1.0])).to_filename(path)
    finding = answer(echo_model, path).to_json()["labels"][0]
    assert finding["pixels"] == 4
    assert finding["volume_mm3"] == 80
    assert [region["slice"] for region in finding["boxes"]] == [1]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, -1, 1), (-1, 1, -1)])
def test_nifti_answer_keeps_axes_and_affine(echo_model, tmp_path, signs):
    voxels = np.zeros((8, 8, 5), np.float32)
    voxels[1, 6, 3] = 1
    affine = np.diag([*signs, 1.0])
    path = tmp_path / "scan.nii.gz"
    nibabel.Nifti1Image(voxels, affine).to_filename(path)
    result = answer(echo_model, path)
    assert np.argwhere(result.mask).tolist() == [[1, 6, 3]]
    assert np.argwhere(result.probabilities[..., 0] > 0.5).tolist() == [[1, 6, 3]]
    saved = nibabel.load(result.save_all(tmp_path / "out")["mask"])
    assert np.argwhere(np.asarray(saved.dataobj)).tolist() == [[1, 6, 3]]
    assert np.allclose(saved.affine, affine)


def test_save_all_writes_mask_overlay_and_json_named_after_the_source(echo_model, square, tmp_path):
    cv2.imwrite(str(tmp_path / "my scan.png"), (square * 255).astype(np.uint8))
    echo_model.preprocessing = type(echo_model).preprocessing.__class__((8, 8))
    paths = answer(echo_model, tmp_path / "my scan.png").save_all(tmp_path / "out")
    assert {name: path.name for name, path in paths.items()} == {
        "mask": "my scan_mask.png",
        "overlay": "my scan_overlay.png",
        "json": "my scan.json",
    }
    mask = cv2.imread(str(paths["mask"]), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (32, 32)
    assert set(np.unique(mask)) == {0, 255}
    assert json.loads(paths["json"].read_text())["labels"][0]["pixels"] == np.count_nonzero(mask)
    assert cv2.imread(str(paths["overlay"])).shape == (32, 32, 3)


def test_full_disk_leaves_no_half_written_mask(echo_model, square, tmp_path, monkeypatch):
    result = answer(echo_model, square)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space left"):
        result.save(tmp_path / "mask.png")
    assert list(tmp_path.iterdir()) == []


def test_overlay_changes_pixels_of_the_label_only():
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8, 4:8] = 1
    drawn = draw_overlay(np.zeros((16, 16, 3), np.uint8), mask)
    assert drawn[4:8, 4:8].any(axis=-1).all()
    assert not drawn[10:].any()


def test_overlay_of_a_jpeg_decoded_at_reduced_scale_has_full_size(echo_model, square, tmp_path):
    cv2.imwrite(str(tmp_path / "scan.jpg"), (square * 255).astype(np.uint8))
    result = answer(echo_model, tmp_path / "scan.jpg")
    assert result.scan.array.shape[:2] == (8, 8)
    assert result.mask.shape == (32, 32)
    result.overlay(tmp_path / "overlay.png")
    assert cv2.imread(str(tmp_path / "overlay.png")).shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/scan.nii.gz", "scan"),
        ("SCAN.PNG", "SCAN"),
        ("series/1.2.3.4", "1.2.3.4"),
        ("folder/", "folder"),
        ("array", "array"),
    ],
)
def test_answer_is_named_after_its_source(echo_model, source, name):
    scan = dataclasses.replace(read_scan(np.zeros((8, 8))), source=source)
    assert answer(echo_model, scan).name == name


def test_scan_in_the_working_folder_is_named_after_it(echo_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan = dataclasses.replace(read_scan(np.ones((20, 30))), source=".")
    assert answer(echo_model, scan).name == tmp_path.name
