import json
import shutil

import cv2
import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medzoo.data import from_folders, from_volumes, group
from medzoo.data.audit import audit
from medzoo.data.samples import Samples
from medzoo.io import Scan
from tests.data.audit_files import kinds, only, picture, write, write_volume


@pytest.mark.parametrize("mask", ["labels/{}.nii.gz", "images/{}_seg.nii.gz"])
def test_masks_are_paired_and_what_is_alone_is_an_error(tmp_path, mask):
    for number in (1, 2, 3):
        write_volume(tmp_path / "images" / f"{number}.nii.gz", number)
    for number in (2, 3, 4):
        write_volume(tmp_path / mask.format(number), 10 + number)
    found = audit(tmp_path)
    assert found.n_images == 3
    assert only(found, "image without label").sources == (str(tmp_path / "images" / "1.nii.gz"),)
    assert only(found, "label without image").sources == (str(tmp_path / mask.format(4)),)


def test_a_mask_of_another_size_is_an_error(tmp_path):
    path = write_volume(tmp_path / "images" / "1.nii.gz", 1)
    write_volume(tmp_path / "labels" / "1.nii.gz", 2, shape=(8, 9, 11))
    finding = only(audit(tmp_path), "label of another size")
    assert finding.sources == (path,)
    assert "(11, 9, 8)" in finding.text


def test_a_damaged_mask_is_found(tmp_path):
    write_volume(tmp_path / "images" / "1.nii.gz", 1)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "1.nii.gz").write_bytes(b"damaged")
    assert "1.nii.gz" in only(audit(tmp_path), "unreadable mask").text


def test_masks_of_samples_are_read_too(tmp_path):
    path = write_volume(tmp_path / "images" / "1.nii.gz", 1)
    mask = tmp_path / "labels" / "1.nii.gz"
    mask.parent.mkdir()
    nibabel.save(nibabel.Nifti1Image(np.ones((8, 9, 10), np.uint8), np.eye(4)), mask)
    found = audit(from_volumes(tmp_path, labels=("background", "organ")))
    assert only(found, "mask with one value").sources == (path,)
    assert found.counts == {"": {"": 1}}


def test_coco_gives_the_classes_and_its_faults_are_findings(coco_folder):
    broken = coco_folder / "test" / "_annotations.coco.json"
    value = json.loads(broken.read_text())
    value["categories"] = []
    broken.write_text(json.dumps(value))
    write(coco_folder / "valid" / "extra.png", picture(3, (32, 32)))
    found = audit(coco_folder)
    assert only(found, "annotations").sources == (str(broken),)
    assert only(found, "image without label").sources == (str(coco_folder / "valid" / "extra.png"),)
    assert sum(found.counts["train"].values()) == 8
    assert "" not in found.counts["train"]


def test_the_size_in_a_coco_file_is_compared(coco_folder):
    image = next((coco_folder / "test").glob("*.png"))
    cv2.imwrite(str(image), picture(1, (40, 32)))
    assert only(audit(coco_folder), "label of another size").sources == (str(image),)


def test_samples_are_audited_with_their_patients(tmp_path):
    paths = tuple(write(tmp_path / f"{number}.png", picture(number)) for number in range(3))
    found = audit(Samples(paths, (0, 1, 1), ("a", "a", "b"), ("train", "train", "test"), ("cat", "dog")))
    assert found.counts == {"train": {"cat": 1, "dog": 1}, "test": {"dog": 1}}
    assert kinds(found) == {"class missing in a split"}


def test_samples_without_patients_have_none(tmp_path):
    paths = tuple(write(tmp_path / f"{number}.png", picture(1)) for number in range(2))
    found = audit(Samples(paths, (0, 0), paths, ("", ""), ("cat", "dog")))
    assert kinds(found) == {"exact duplicates"}


def test_slices_of_one_volume_are_one_image(tmp_path):
    path = write_volume(tmp_path / "1.nii.gz", 1)
    data = Samples((path, path), (0.5, 0.5), ("a", "a"), ("", ""), ("value",), (2, 3))
    found = audit(data)
    assert (found.n_images, found.findings) == (1, ())


def test_nan_in_an_array_is_found():
    scan = Scan(np.full((8, 8, 1), np.nan, np.float32), (8, 8), source="array 0")
    assert only(audit(Samples((scan,), (0,), ("a",), ("",), ("cat", "dog"))), "NaN pixels").sources == ("array 0",)


def table(tmp_path, *lines):
    for number in range(3):
        write(tmp_path / f"{number}.png", picture(number))
    path = tmp_path / "table.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_table_that_cannot_be_read_as_samples_is_audited(tmp_path):
    path = table(
        tmp_path, "image,label,patient,split", "0.png,cat,a,train", "1.png,dog,a,test", "9.png,,b,other", ",cat,c,train"
    )
    found = audit(path)
    assert found.counts == {"train": {"cat": 1}, "test": {"dog": 1}}
    assert {finding.sources for finding in found.of_kind("missing file")} == {(str(tmp_path / "9.png"),), (str(path),)}
    assert only(found, "no target").text.startswith("Row 4")
    assert only(found, "unknown split").text.endswith("'other'.")
    assert only(found, "patient in two splits").severity == "leak"


def test_columns_stand_behind_the_path_of_a_table(tmp_path):
    path = table(tmp_path, "case,kind", "0,cat", "1,dog")
    found = audit(f"{path}:image={{case}}.png,label=kind")
    assert found.counts == {"": {"cat": 1, "dog": 1}}


def test_dicom_files_name_their_patient(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / split / f"{split}.dcm")
    assert only(audit(tmp_path), "patient in two splits").text.startswith("Patient 1CT1")


def test_a_series_of_dicom_files_is_one_image_of_its_class(tmp_path):
    for number in range(3):
        slice_ = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        slice_.ImagePositionPatient = [0, 0, 5 * number]
        slice_.SOPInstanceUID = f"{slice_.SOPInstanceUID}.{number}"
        (tmp_path / "train" / "ill" / "p1").mkdir(parents=True, exist_ok=True)
        slice_.save_as(tmp_path / "train" / "ill" / "p1" / f"{number}.dcm")
    write(tmp_path / "train" / "well" / "1.png", picture(1))
    found = audit(tmp_path)
    assert found.counts == {"train": {"ill": 1, "well": 1}}
    assert "3 x 128 x 128" in found.sizes


def test_groups_keep_near_duplicates_in_one_part(tmp_path):
    for number, place in enumerate(("cat", "cat", "dog")):
        write(tmp_path / place / f"{number}.png", picture(number))
    write(tmp_path / "cat" / "copy.png", picture(0) // 2)
    data = group(from_folders(tmp_path), audit(tmp_path).duplicate_groups)
    assert len(set(data.patients)) == len(data) - 1


def test_folders_whose_names_do_not_fit_at_all_are_still_pairs(tmp_path):
    write_volume(tmp_path / "imagesTr" / "1.nii.gz", 1)
    write_volume(tmp_path / "labelsTr" / "2.nii.gz", 2)
    found = audit(tmp_path)
    assert found.n_images == 1
    assert kinds(found) == {"image without label", "label without image"}


def test_images_without_masks_in_a_folder_of_their_own_are_no_fault(tmp_path):
    for place in ("imagesTr", "labelsTr", "imagesTs"):
        write_volume(tmp_path / place / "1.nii.gz", sum(map(ord, place)))
    assert not kinds(audit(tmp_path)) & {"image without label", "label without image"}


def test_a_name_that_only_looks_like_that_of_a_mask_is_an_image(tmp_path):
    write(tmp_path / "face_mask.png", picture(1))
    assert audit(tmp_path).n_images == 1


def test_a_class_called_masks_is_a_class(tmp_path):
    write(tmp_path / "masks" / "1.png", picture(1))
    write(tmp_path / "tubes" / "2.png", picture(2))
    assert audit(tmp_path).counts == {"": {"masks": 1, "tubes": 1}}


@pytest.mark.parametrize("image", ["scan", "{scan}.png"])
def test_an_unknown_column_of_a_table_is_refused(tmp_path, image):
    path = table(tmp_path, "image,label", "0.png,cat", "1.png,dog")
    with pytest.raises(ValueError, match="Unknown column 'scan'"):
        audit(f"{path}:image={image}")
