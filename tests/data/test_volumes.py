from __future__ import annotations

import json

import numpy as np
import pytest

from medzoo.data import from_volumes
from medzoo.io import read_scan
from tests.data.source_files import touch, write_picture, write_volume
from tests.io.conftest import write_dicom, write_series  # noqa: F401

LABELS = ("background", "front", "back")
VOXELS = np.arange(24).reshape(2, 3, 4) % 3


def write_pair(folder, image="images/1.nii.gz", mask="labels/1.nii.gz", voxels=VOXELS, **mask_options):
    write_volume(folder / image, VOXELS.astype(np.int16))
    write_volume(folder / mask, voxels.astype(np.uint8), **mask_options)
    return folder


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/1.nii.gz", "labels/1.nii.gz"),
        ("Images/1.nii", "Masks/1.nii.gz"),
        ("imagesTr/1.nii.gz", "labelsTr/1.nii.gz"),
        ("imagesTr/1_0000.nii.gz", "labelsTr/1.nii.gz"),
        ("images/p1/scan.nii.gz", "labels/p1/scan.nii.gz"),
        ("1.nii.gz", "1_labels.nii.gz"),
        ("p1/1.nii.gz", "p1/1_seg.nii.gz"),
    ],
)
def test_pairs_are_found_by_their_names(tmp_path, image, mask):
    data = from_volumes(write_pair(tmp_path, image, mask), labels=LABELS)
    assert data.images == (str(tmp_path / image),)
    assert data[0].target.path == str(tmp_path / mask)


def test_lists_are_pairs_in_their_order(tmp_path):
    write_pair(tmp_path, "a.nii.gz", "x.nii.gz")
    data = from_volumes(([tmp_path / "a.nii.gz"], [tmp_path / "x.nii.gz"]), labels=LABELS)
    assert (data.names, str(data[0].target)) == (("a.nii.gz",), str(tmp_path / "x.nii.gz"))


def test_folders_of_splits_become_splits(tmp_path):
    for part in ("train", "Val"):
        write_pair(tmp_path / part, f"images/{part}.nii.gz", f"labels/{part}.nii.gz")
    write_pair(tmp_path / "test", "3.nii.gz", "3_mask.nii.gz")
    assert from_volumes(tmp_path, labels=LABELS).splits == ("train", "valid", "test")


def test_folders_of_splits_may_lie_inside(tmp_path):
    for part in ("train", "val"):
        write_pair(tmp_path, f"images/{part}/1.nii.gz", f"labels/{part}/1.nii.gz")
    assert from_volumes(tmp_path, labels=LABELS).splits == ("train", "valid")


def test_folders_of_nnunet_become_splits(tmp_path):
    for ending in ("Tr", "Ts"):
        write_pair(tmp_path, f"images{ending}/{ending}.nii.gz", f"labels{ending}/{ending}.nii.gz")
    assert from_volumes(tmp_path, labels=LABELS).splits == ("train", "test")


def test_images_for_a_challenge_have_no_masks_and_are_left_out(tmp_path):
    touch(write_pair(tmp_path, "imagesTr/1.nii.gz", "labelsTr/1.nii.gz"), "imagesTs/2.nii.gz")
    assert from_volumes(tmp_path, labels=LABELS).splits == ("",)


def test_patients_come_from_file_names(tmp_path):
    for name in ("p1_ed", "p1_es"):
        write_pair(tmp_path, f"images/{name}.nii.gz", f"labels/{name}.nii.gz")
    assert from_volumes(tmp_path, labels=LABELS, patient="p[0-9]").patients == ("p1", "p1")


@pytest.mark.parametrize(
    "table",
    [{"0": "background", "1": "front", "2": "back"}, {"background": 0, "front": 1, "back": 2}],
    ids=["MSD", "nnU-Net"],
)
def test_labels_come_from_dataset_json(tmp_path, table):
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": table}))
    assert from_volumes(write_pair(tmp_path)).labels == LABELS


def describe(folder, labels):
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


def test_ignored_voxels_of_nnunet_are_255_and_no_label(tmp_path):
    describe(tmp_path, {"background": 0, "front": 1, "ignore": 2})
    data = from_volumes(write_pair(tmp_path))
    expected = from_volumes(tmp_path, labels=LABELS)[0].target.mask()
    assert data.labels == LABELS[:2]
    assert data[0].target.labels == (0, 1)
    np.testing.assert_array_equal(data[0].target.mask(), np.where(expected == 2, 255, expected))


def test_ignored_voxels_stay_so_where_labels_are_named_by_hand(tmp_path):
    describe(write_pair(tmp_path), {"background": 0, "all": [0, 1], "front": 1, "ignore": 2})
    data = from_volumes(tmp_path, labels=("background", "front"))
    assert set(np.unique(data[0].target.mask())) == {0, 1, 255}
    # A value that is named is a label.
    assert set(np.unique(from_volumes(tmp_path, labels=LABELS)[0].target.mask())) == {0, 1, 2}


def test_ignored_pixels_of_pictures_are_255(tmp_path):
    write_picture(tmp_path / "images/1.png", [[7, 8, 9]])
    write_picture(tmp_path / "labels/1.png", [[0, 1, 2]])
    data = from_volumes(describe(tmp_path, {"background": 0, "tumor": 1, "ignore": 2}))
    np.testing.assert_array_equal(data[0].target.mask(), [[0, 1, 255]])


def test_scaled_masks_keep_what_is_ignored(tmp_path):
    data = from_volumes(describe(write_pair(tmp_path), {"background": 0, "front": 1, "ignore": 2}))
    assert set(np.unique(data[0].target.mask((4, 6, 4)))) == {0, 1, 255}


def test_regions_that_do_not_overlap_are_one_label_each(tmp_path):
    data = from_volumes(describe(write_pair(tmp_path), {"background": 0, "whole": [1, 2]}))
    assert data.labels == ("background", "whole")
    assert data[0].target.mask().tolist() == (read_scan(data[0].target.path).array[..., 0] > 0).tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"background": 0, "whole": [1, 2], "core": 2}, "the labels 'whole' and 'core' both hold the value 2.*overlap"),
        ({"background": 0, "core": [2]}, "expected one name for each of 0, 1, 2"),
        ({"background": 0, "core": "1"}, "the label 'core' must have one whole number"),
        ({"background": 0, "core": []}, "the label 'core' must have one whole number"),
        ({"background": 0, "core": 1, "ignore": [2]}, "the label 'ignore' must have one whole number"),
        ({"0": "background", "one": "core"}, "the label 'core' must have one whole number"),
        ({"background": 0}, "2 to 256 different names"),
    ],
)
def test_labels_that_cannot_be_read_are_named(tmp_path, labels, message):
    with pytest.raises(ValueError, match=message):
        from_volumes(describe(write_pair(tmp_path), labels))


def test_a_value_that_dataset_json_does_not_name_is_an_error(tmp_path):
    describe(write_pair(tmp_path), {"background": 0, "ignore": 3})
    data = from_volumes(tmp_path, labels=LABELS[:2])
    with pytest.raises(ValueError, match=r"1\.nii\.gz holds the values 2; expected 0 to 1"):
        data[0].target.mask()


def test_one_label_is_the_only_structure(tmp_path):
    assert from_volumes(write_pair(tmp_path), labels="heart").labels == ("background", "heart")


def test_unknown_labels_show_the_values_of_the_first_mask(tmp_path):
    with pytest.raises(ValueError, match="holds the values 0, 1, 2. Give `labels`"):
        from_volumes(write_pair(tmp_path))


def test_pictures_of_0_and_255_need_no_labels(tmp_path):
    write_picture(tmp_path / "images/1.png", [[7, 8]])
    write_picture(tmp_path / "masks/1.png", [[0, 255]])
    data = from_volumes(tmp_path)
    assert data.labels == ("background", "foreground")
    np.testing.assert_array_equal(data[0].target.mask(), [[0, 1]])


def test_missing_masks_are_counted_at_once(tmp_path):
    touch(write_pair(tmp_path), *(f"images/{number}.nii.gz" for number in range(2, 7)))
    with pytest.raises(ValueError, match=r"5 of 6 images in .* have no mask: .*2\.nii\.gz, .*3\.nii\.gz"):
        from_volumes(tmp_path, labels=LABELS)


def test_masks_without_image_are_an_error(tmp_path):
    touch(write_pair(tmp_path), "labels/2.nii.gz")
    with pytest.raises(ValueError, match="1 masks have no image"):
        from_volumes(tmp_path, labels=LABELS)


def test_two_images_of_one_name_are_an_error(tmp_path):
    touch(write_pair(tmp_path), "images/1.png")
    with pytest.raises(ValueError, match="1 names in .* stand for two files"):
        from_volumes(tmp_path, labels=LABELS)


def test_several_masks_of_an_image_are_an_error(tmp_path):
    touch(write_pair(tmp_path, "1.nii.gz", "1_mask.nii.gz"), "1_mask_1.nii.gz")
    with pytest.raises(ValueError, match="1 images in .* have several masks"):
        from_volumes(tmp_path, labels=LABELS)


@pytest.mark.parametrize("lists", [(["a.nii.gz"], []), ([], [])])
def test_lists_of_different_length_are_an_error(lists):
    with pytest.raises(ValueError, match="must be as many"):
        from_volumes(lists, labels=LABELS)


def test_listed_files_that_are_missing_are_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="2 of the 2 files in the lists do not exist"):
        from_volumes((["a.nii.gz"], ["b.nii.gz"]), labels=LABELS)


def test_a_folder_without_pairs_says_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="case.nii.gz and case_labels.nii.gz"):
        from_volumes(touch(tmp_path, "1.nii.gz"), labels=LABELS)


def test_grids_of_another_shape_name_both_files_and_grids(tmp_path):
    write_pair(tmp_path, voxels=VOXELS[:, :2])
    with pytest.raises(ValueError, match=r"labels/1.nii.gz has shape \(2, 2, 4\).*images/1.nii.gz shape \(2, 3, 4\)"):
        from_volumes(tmp_path, labels=LABELS)


def test_grids_of_another_spacing_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="1 masks are not in the grid"):
        from_volumes(write_pair(tmp_path, affine=np.diag([1, 1, 1.01, 1])), labels=LABELS)


def test_grids_that_differ_by_rounding_are_the_same(tmp_path):
    assert len(from_volumes(write_pair(tmp_path, affine=np.diag([1, 1, 1.0001, 1])), labels=LABELS)) == 1


def test_a_mask_in_other_axes_of_the_same_grid_is_turned(tmp_path):
    affine = np.array([[0, 0, 1.0, 0], [0, -1, 0, 2], [1, 0, 0, 0], [0, 0, 0, 1]])
    data = from_volumes(write_pair(tmp_path, voxels=VOXELS[:, ::-1].T, affine=affine), labels=LABELS)
    np.testing.assert_array_equal(data[0].target.mask(), read_scan(data[0].image).array[..., 0])


def write_sagittal(tmp_path, write):
    """Write a series of sagittal slices, and its values as a NIfTI file of axial ones."""
    write("images/1", heights=(0, 1, 2), orientation=(0, 1, 0, 0, 0, -1))
    scan = read_scan(tmp_path / "images/1")
    voxels, affine = scan.array[..., 0].T.astype(np.uint8), scan.affine
    (tmp_path / "labels").mkdir()
    return scan, voxels, affine


def test_a_mask_of_a_series_that_is_not_axial_stands_in_the_order_of_the_series(tmp_path, write_series):  # noqa: F811
    import nibabel

    scan, voxels, affine = write_sagittal(tmp_path, write_series)
    axial = nibabel.as_closest_canonical(nibabel.Nifti1Image(voxels, affine))
    axial.to_filename(tmp_path / "labels/1.nii.gz")
    target = from_volumes(tmp_path, labels=LABELS)[0].target
    assert target.shape == scan.shape
    np.testing.assert_array_equal(target.mask(), scan.array[..., 0])


def test_a_mask_may_lie_beside_the_folder_of_its_series(tmp_path, write_series):  # noqa: F811
    write_series("case", heights=(0, 1, 2))
    scan = read_scan(tmp_path / "case")
    write_volume(tmp_path / "case_seg.nii.gz", np.zeros((5, 4, 3), np.uint8), scan.affine)
    assert from_volumes(tmp_path, labels=LABELS)[0].target.mask().shape == scan.shape


def test_a_mask_in_another_place_than_its_series_is_an_error_at_reading(tmp_path, write_series):  # noqa: F811
    _, voxels, affine = write_sagittal(tmp_path, write_series)
    write_volume(tmp_path / "labels/1.nii.gz", voxels, affine + np.eye(4)[:, [3, 0, 1, 2]] * [0, 0, 0, 5])
    data = from_volumes(tmp_path, labels=LABELS)
    with pytest.raises(ValueError, match="Resample the mask to the image"):
        data[0].target.mask()
