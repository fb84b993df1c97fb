import cv2
import nibabel
import numpy as np
import pytest
from gradcam_networks import blob, classifier, is_inside, peak_of

from medzoo.evaluation.gradcam.explain import explain
from medzoo.evaluation.gradcam.explanation import draw_heatmap, evident_slices
from medzoo.files import read_json
from medzoo.task import Classification

TASK = Classification(("healthy", "ill"))
# Columns from left to right, slices from front to back, rows from head to foot: nothing as it is displayed.
AFFINE = np.array([[-2.0, 0, 0, 5], [0, 0, 3, 1], [0, -1, 0, 9], [0, 0, 0, 1]])
# Of columns, rows and slices of the file.
PLACE = slice(8, 14), slice(2, 6), slice(4, 6)


@pytest.fixture
def volume(tmp_path):
    """A NIfTI file of 16 columns, 12 rows and 8 slices with a bright box at PLACE."""
    nibabel.Nifti1Image(blob((16, 12, 8), *PLACE), AFFINE).to_filename(tmp_path / "study.nii.gz")
    return tmp_path / "study.nii.gz"


@pytest.fixture
def of_volume(volume):
    return explain(classifier(TASK, (12, 8, 16, 1), bias=5), volume)


def picture(path, size=(24, 48)):
    cv2.imwrite(str(path), np.uint8(255 * blob(size, slice(0, 8), slice(40, 48))))
    return explain(classifier(TASK, bias=5, normalization="type_range"), path)


def test_heatmap_of_a_volume_has_the_axes_of_its_file(of_volume):
    assert of_volume.heatmap.shape == (16, 12, 8)
    assert is_inside(peak_of(of_volume.heatmap), *PLACE)
    assert is_inside(of_volume.to_json()["peak"], *PLACE)


def test_heatmap_of_a_volume_is_a_nifti_that_lies_on_it(of_volume, tmp_path):
    saved = nibabel.load(of_volume.save(tmp_path / "heatmap.nii.gz"))
    assert saved.get_data_dtype() == np.float32
    np.testing.assert_array_equal(saved.affine, AFFINE)
    np.testing.assert_array_equal(saved.get_fdata(dtype=np.float32), of_volume.heatmap)


def test_heatmap_of_a_volume_is_no_picture(of_volume, tmp_path):
    with pytest.raises(ValueError, match=r"heatmap.png has a suffix that does not fit. Expected one of: .nii"):
        of_volume.save(tmp_path / "heatmap.png")


def test_heatmap_of_an_array_volume_has_its_axes(tmp_path):
    found = explain(classifier(TASK, (8, 12, 16, 1), bias=5), blob((8, 12, 16), *reversed(PLACE)))
    saved = nibabel.load(found.save(tmp_path / "heatmap.nii"))
    assert is_inside(peak_of(saved.get_fdata()), *reversed(PLACE))


def test_heatmap_of_a_picture_is_grey(tmp_path):
    found = picture(tmp_path / "scan.png")
    saved = cv2.imread(str(found.save(tmp_path / "heatmap.png")), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(saved, 255 * found.heatmap, atol=0.5)


def test_overlay_of_a_picture_reduced_on_reading_has_its_full_size(tmp_path):
    found = picture(tmp_path / "scan.jpg", (96, 96))
    assert found.scan.array.shape[:2] != found.heatmap.shape == (96, 96)
    assert cv2.imread(str(found.overlay(tmp_path / "overlay.png"))).shape == (96, 96, 3)


def test_overlay_of_a_volume_is_a_montage_of_its_evident_slices(of_volume, tmp_path):
    # Displayed from foot to head: of 12 slices 4 hold the box, of 8 by 16 pixels each.
    assert cv2.imread(str(of_volume.overlay(tmp_path / "overlay.png"))).shape == (2 * 8, 2 * 16, 3)


def test_all_files_are_named_after_the_source(of_volume, tmp_path):
    paths = of_volume.save_all(tmp_path / "out")
    assert {path.name for path in paths.values()} == {
        "study_heatmap.nii.gz",
        "study_explanation.png",
        "study_explanation.json",
    }
    assert all(path.is_file() for path in paths.values())


def test_json_says_what_was_explained_and_how(of_volume, tmp_path):
    saved = read_json(of_volume.save_all(tmp_path)["json"])
    assert saved["label"] == "ill"
    assert saved["score"] == pytest.approx(of_volume.score, abs=1e-4)
    assert (saved["layer"], saved["method"]) == ("stage_1_pool", "gradcam")
    assert saved["shape"] == [16, 12, 8]


def test_colours_follow_the_evidence():
    image = np.full((1, 2, 3), 100, np.uint8)
    drawn = draw_heatmap(image, np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_array_equal(drawn[0, 0], image[0, 0])
    red, _, blue = drawn[0, 1]
    assert red > blue


def test_evident_slices_are_few_and_hold_the_one_with_most():
    volume = np.ones((100, 2, 2))
    volume[:20] = 0.4
    volume[71] = 1.2
    slices = evident_slices(volume)
    assert len(slices) <= 12
    assert 71 in slices
    assert min(slices) == 20


def test_without_evidence_the_middle_slice_is_shown():
    assert evident_slices(np.zeros((5, 2, 2))) == [2]
