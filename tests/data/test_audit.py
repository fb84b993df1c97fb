import shutil

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.data.audit import audit
from tests.data.audit_files import kinds, only, picture, write, write_volume


@pytest.fixture
def folder(tmp_path):
    """Two splits of two classes, without a fault."""
    for number, place in enumerate(("train/cat", "train/dog", "test/cat", "test/dog")):
        for copy in range(2):
            write(tmp_path / place / f"{number}_{copy}.png", picture(10 * number + copy))
    return tmp_path


def test_a_folder_without_fault_has_no_finding(folder):
    found = audit(folder)
    assert found.findings == ()
    assert found.counts == {"train": {"cat": 2, "dog": 2}, "test": {"cat": 2, "dog": 2}}
    assert not found.has_leak


def test_names_of_splits_are_known_in_any_case(tmp_path):
    write(tmp_path / "Training" / "cat" / "1.png", picture(1))
    write(tmp_path / "Testing" / "cat" / "2.png", picture(2))
    assert list(audit(tmp_path).counts) == ["train", "test"]


def test_a_folder_of_images_has_neither_splits_nor_classes(tmp_path):
    write(tmp_path / "images" / "1.png", picture(1))
    assert audit(tmp_path).counts == {"": {"": 1}}


def test_a_damaged_file_is_named_with_its_reason(folder):
    path = folder / "train" / "cat" / "0_0.png"
    path.write_bytes(path.read_bytes()[:-40])
    finding = only(audit(folder), "unreadable")
    assert finding.sources == (str(path),)
    assert "truncated" in finding.text


def test_nan_is_told_from_damage(tmp_path):
    write_volume(tmp_path / "1.nii.gz", 1)
    nibabel.save(nibabel.Nifti1Image(np.full((4, 4, 4), np.nan, np.float32), np.eye(4)), tmp_path / "2.nii.gz")
    assert only(audit(tmp_path), "NaN pixels").sources == (str(tmp_path / "2.nii.gz"),)


def test_constant_images_are_found_and_are_no_duplicates(folder):
    blank = {f"blank_{number}.png": np.full((48, 64), level, np.uint8) for number, level in enumerate((7, 7, 9))}
    paths = [write(folder / "train" / "cat" / name, pixels) for name, pixels in blank.items()]
    found = audit(folder)
    assert [finding.sources[0] for finding in found.of_kind("constant")] == paths
    assert kinds(found) == {"constant"}


def test_a_size_beyond_three_sigma_is_odd(tmp_path):
    for number in range(12):
        write(tmp_path / f"{number}.png", picture(number))
    path = write(tmp_path / "large.png", picture(99, (48, 96)))
    found = audit(tmp_path)
    finding = only(found, "odd size")
    assert finding.sources == (path,)
    assert finding.text == "width 96 px (mean 66.46, 3.5 sigma)"
    assert found.sizes == {"48 x 64": 12, "48 x 96": 1}


def test_a_spacing_beyond_three_sigma_is_odd(tmp_path):
    for number in range(12):
        write_volume(tmp_path / f"{number}.nii", number)
    path = write_volume(tmp_path / "coarse.nii", 99, spacing=3.0)
    assert only(audit(tmp_path), "odd spacing").sources == (path,)


def test_minor_modes_are_listed(folder):
    sixteen = write(folder / "train" / "cat" / "sixteen.png", 200 * picture(77).astype(np.uint16))
    colour = write(folder / "train" / "cat" / "colour.png", np.stack([picture(seed) for seed in (78, 79, 80)], axis=-1))
    found = audit(folder)
    assert {finding.sources for finding in found.of_kind("mixed modes")} == {(sixteen,), (colour,)}
    assert found.modes == {"uint8 grey raster": 8, "uint8 RGB raster": 1, "uint16 grey raster": 1}


def test_grey_stored_as_colour_is_noted(tmp_path):
    path = write(tmp_path / "1.png", np.dstack([picture(1)] * 3))
    assert only(audit(tmp_path), "grey in RGB").sources == (path,)


def test_equal_pixels_in_two_splits_are_a_leak_whatever_the_format(folder):
    path = write(folder / "test" / "cat" / "copy.bmp", picture(0))
    found = audit(folder)
    finding = only(found, "exact duplicates between splits")
    assert finding.severity == "leak"
    assert set(finding.sources) == {str(folder / "train" / "cat" / "0_0.png"), path}
    assert found.leaked == {"train": {"cat": 1}, "test": {"cat": 1}}


def test_a_jpeg_of_another_size_and_contrast_is_a_near_duplicate(folder):
    copy = cv2.resize(picture(0), (90, 70)) // 2 + 60
    path = write(folder / "test" / "cat" / "copy.jpg", copy)
    found = audit(folder)
    assert kinds(found) == {"near-duplicates between splits"}
    assert set(found.leaked_sources) == {str(folder / "train" / "cat" / "0_0.png"), path}


def test_duplicates_between_classes_are_an_error_and_no_leak(folder):
    path = write(folder / "train" / "dog" / "copy.png", picture(0) // 2)
    found = audit(folder)
    assert only(found, "near-duplicates between classes").severity == "error"
    assert not found.has_leak
    assert found.duplicate_groups == ((str(folder / "train" / "cat" / "0_0.png"), path),)


def test_duplicates_within_split_and_class_are_a_warning(folder):
    write(folder / "train" / "cat" / "copy.png", picture(0))
    assert only(audit(folder), "exact duplicates").severity == "warning"


def test_the_first_two_sources_lie_on_either_side(folder):
    """They are what the contact sheet shows."""
    for place in ("test/cat", "train/dog"):
        write(folder / place / "copy.png", picture(0))
    found = audit(folder)
    for kind, key in (("exact duplicates between splits", -3), ("exact duplicates between classes", -2)):
        first, second, *_ = only(found, kind).sources
        assert first.split("/")[key] != second.split("/")[key]


def test_a_picture_of_more_bits_is_a_near_duplicate(folder):
    path = write(folder / "test" / "cat" / "copy.png", 200 * picture(0).astype(np.uint16) + 9000)
    assert path in audit(folder).leaked_sources


def test_copies_of_a_near_duplicate_leak_too(folder):
    """Of equal images one is compared; what it finds holds for all of them."""
    for place in ("train/cat", "train/dog"):
        write(folder / place / "half.png", picture(0) // 2)
    write(folder / "test" / "cat" / "copy.png", picture(0))
    found = audit(folder)
    leaked = {source for finding in found.of_kind("near-duplicates between splits") for source in finding.sources}
    assert {str(folder / "train" / place / "half.png") for place in ("cat", "dog")} < leaked


def test_images_of_different_patients_are_no_duplicates(tmp_path):
    for number in range(60):
        write(tmp_path / f"{number}.png", picture(number))
    assert audit(tmp_path).duplicate_groups == ()


def test_similar_slices_of_one_patient_within_a_split_are_no_finding_but_a_group(tmp_path):
    write(tmp_path / "p1_1.png", picture(1))
    write(tmp_path / "p1_2.png", picture(1) // 2)
    found = audit(tmp_path, patient=r"p\d+")
    assert found.findings == ()
    assert len(found.duplicate_groups) == 1


def test_equal_images_of_two_patients_are_told_from_those_of_one(tmp_path):
    for name in ("p1_1", "p1_2", "p2_1"):
        write(tmp_path / f"{name}.png", picture(1))
    found = audit(tmp_path, patient=r"p\d")
    assert {finding.kind for finding in found.findings} == {"exact duplicates between patients"}


def test_a_patient_in_two_splits_is_a_leak(folder):
    write(folder / "train" / "cat" / "p7_1.png", picture(70))
    write(folder / "test" / "cat" / "p7_2.png", picture(71))
    found = audit(folder, patient=lambda name: name.rpartition("/")[2].partition("_")[0])
    finding = only(found, "patient in two splits")
    assert finding.severity == "leak"
    assert finding.text == "Patient p7: test 1, train 1"


def test_a_class_without_training_images_is_an_error(folder):
    write(folder / "test" / "owl" / "1.png", picture(50))
    finding = only(audit(folder), "class missing in a split")
    assert (finding.severity, finding.text) == ("error", "train has no image of owl.")


def test_an_empty_class_folder_is_an_error(folder):
    (folder / "train" / "owl").mkdir()
    assert only(audit(folder), "empty folder").sources == (str(folder / "train" / "owl"),)


def test_images_of_one_name_are_noted(folder):
    write(folder / "test" / "cat" / "0_0.jpg", picture(60))
    finding = only(audit(folder), "same name")
    assert finding.severity == "note"
    assert len(finding.sources) == 2


def test_volumes_are_compared_as_volumes(tmp_path):
    path = write_volume(tmp_path / "1.nii.gz", 1)
    write_volume(tmp_path / "2.nii.gz", 2)
    copy = str(tmp_path / "copy.nii.gz")
    shutil.copy(path, copy)
    assert audit(tmp_path).duplicate_groups == ((path, copy),)


def test_the_order_of_findings_is_that_of_their_severity(folder):
    write(folder / "train" / "cat" / "blank.png", np.full((48, 64), 7, np.uint8))
    write(folder / "test" / "cat" / "copy.bmp", picture(0))
    (folder / "train" / "dog" / "copy.png").write_bytes(b"")
    severities = [finding.severity for finding in audit(folder).findings]
    assert severities == ["leak", "error", "error", "note"]


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        audit(tmp_path / "nowhere")


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no scans"):
        audit(tmp_path)
