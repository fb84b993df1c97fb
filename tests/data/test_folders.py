from __future__ import annotations

import numpy as np
import pytest

from medzoo.data import from_folders
from medzoo.io import DicomSeries
from tests.data.source_files import touch
from tests.io.conftest import write_dicom, write_series  # noqa: F401


def names(samples):
    return [f"{samples.labels[row.target]}/{name}" for row, name in zip(samples, samples.names, strict=True)]


def test_folders_are_classes_in_natural_order(tmp_path):
    touch(tmp_path, "grade 10/a.png", "grade 2/b.png", "grade 2/a.png")
    assert names(from_folders(tmp_path)) == ["grade 2/a.png", "grade 2/b.png", "grade 10/a.png"]


def test_images_are_paths(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    assert from_folders(tmp_path).images == (str(tmp_path / "a/1.png"), str(tmp_path / "b/1.png"))


@pytest.mark.parametrize(
    ("train", "valid", "test"),
    [("train", "valid", "test"), ("Training", "VAL", "Testing"), ("TRAIN", "validation", "test")],
)
def test_folders_of_splits_become_splits(tmp_path, train, valid, test):
    touch(tmp_path, *(f"{part}/{label}/1.png" for part in (train, valid, test) for label in "ab"))
    data = from_folders(tmp_path)
    assert data.splits == ("train", "train", "valid", "valid", "test", "test")
    assert data.targets == (0, 1) * 3


def test_a_class_may_be_called_test(tmp_path):
    touch(tmp_path, "test/1.png", "control/1.png")
    data = from_folders(tmp_path)
    assert (data.labels, set(data.splits)) == (("control", "test"), {""})


def test_labels_give_the_order(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    assert names(from_folders(tmp_path, labels=["b", "a"])) == ["a/1.png", "b/1.png"]
    assert from_folders(tmp_path, labels=["b", "a"]).labels == ("b", "a")


def test_labels_join_folders(tmp_path):
    touch(tmp_path, "glioma/1.png", "meningioma/1.png", "none/1.png")
    data = from_folders(tmp_path, labels={"healthy": ["none"], "tumor": ["glioma", "meningioma"]})
    assert names(data) == ["tumor/1.png", "tumor/1.png", "healthy/1.png"]


def test_folders_without_label_are_left_out_with_a_warning(tmp_path, caplog):
    touch(tmp_path, "a/1.png", "b/1.png", "c/1.png")
    assert len(from_folders(tmp_path, labels=["a", "b"])) == 2
    assert "c is left out" in caplog.text


def test_images_beside_the_class_folders_are_counted_in_a_warning(tmp_path, caplog):
    touch(tmp_path, "a/1.png", "b/1.png", "loose.png", "notes.txt")
    from_folders(tmp_path)
    assert "1 images beside the class folders are left out" in caplog.text


def test_an_unknown_label_shows_the_near_match(tmp_path):
    touch(tmp_path, "benign/1.png", "normal/1.png")
    with pytest.raises(ValueError, match="Did you mean 'benign'"):
        from_folders(tmp_path, labels=["benin", "normal"])


def test_a_folder_in_two_labels_is_an_error(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(ValueError, match="puts 'a' into both 'x' and 'y'"):
        from_folders(tmp_path, labels={"x": ["a"], "y": ["a", "b"]})


@pytest.mark.parametrize("labels", ["ab", {"x": "a", "y": "b"}])
def test_labels_as_one_text_are_an_error(tmp_path, labels):
    touch(tmp_path, "a/1.png", "b/1.png")
    with pytest.raises(TypeError, match="must be a list"):
        from_folders(tmp_path, labels=labels)


def test_by_default_each_image_is_its_own_patient(tmp_path):
    touch(tmp_path, "a/1.png", "b/1.png")
    data = from_folders(tmp_path)
    assert len(set(data.patients)) == 2
    assert not data.has_patients


@pytest.mark.parametrize(
    "patient", [lambda name: name[:2], "p[0-9]", "(p[0-9])_.*png"], ids=["function", "regex", "group"]
)
def test_patients_come_from_file_names(tmp_path, patient):
    touch(tmp_path, "a/p1_1.png", "a/p1_2.png", "b/p2_1.png")
    assert from_folders(tmp_path, patient=patient).patients == ("p1", "p1", "p2")


def test_patients_may_be_folders(tmp_path):
    touch(tmp_path, "a/p1/1.png", "a/p1/2.png", "b/p2/1.png")
    assert from_folders(tmp_path, patient="p[0-9]").patients == ("p1", "p1", "p2")


def test_files_without_a_patient_are_all_counted(tmp_path):
    touch(tmp_path, "a/p1.png", "a/x.png", "b/y.png")
    with pytest.raises(ValueError, match=r"no patient in 2 file names: 'x\.png', 'y\.png'"):
        from_folders(tmp_path, patient="p[0-9]")


def test_a_patient_in_two_splits_is_an_error(tmp_path):
    touch(tmp_path, *(f"{part}/{label}/p1.png" for part in ("train", "test") for label in "ab"))
    with pytest.raises(ValueError, match="'p1' in train and test"):
        from_folders(tmp_path, patient="p[0-9]")


def test_a_series_is_one_image(tmp_path, write_series):  # noqa: F811
    write_series("a/series")
    touch(tmp_path, "b/1.nii.gz")
    first, second = from_folders(tmp_path).images
    assert isinstance(first, DicomSeries)
    assert second == str(tmp_path / "b/1.nii.gz")


def test_images_of_one_name_are_two_images(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/1.png", "b/1.png")
    assert names(from_folders(tmp_path)) == ["a/1.jpg", "a/1.png", "b/1.png"]


def test_masks_beside_their_images_are_left_out(tmp_path, caplog):
    touch(tmp_path, "a/1.png", "a/1_mask.png", "a/1_mask_1.png", "b/1.png", "b/brain_seg.png")
    assert names(from_folders(tmp_path)) == ["a/1.png", "b/1.png", "b/brain_seg.png"]
    assert "2 masks" in caplog.text


def test_an_empty_class_folder_is_named(tmp_path):
    touch(tmp_path, "a/1.png", "b/notes.txt")
    with pytest.raises(ValueError, match="class folder '.*b' is empty"):
        from_folders(tmp_path)


def test_a_class_only_in_test_is_named(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "test/c/1.png")
    with pytest.raises(ValueError, match="1 classes .* missing in train, but not in valid or test: c"):
        from_folders(tmp_path)


def test_a_class_without_test_images_is_fine(tmp_path):
    touch(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/1.png")
    assert from_folders(tmp_path).part("test").labels == ("a", "b")


def test_a_single_class_is_an_error(tmp_path):
    touch(tmp_path, "a/1.png")
    with pytest.raises(ValueError, match=r"1 class \(a\)"):
        from_folders(tmp_path)


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        from_folders(tmp_path / "nowhere")


def test_targets_are_ints_for_every_label(tmp_path):
    touch(tmp_path, *(f"{label}/1.png" for label in "abc"))
    np.testing.assert_array_equal(from_folders(tmp_path).targets, [0, 1, 2])
