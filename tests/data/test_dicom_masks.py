"""Masks of DICOM series in DICOM Segmentations."""

import numpy as np
import pydicom
import pytest

import medzoo
from medzoo.io.dicom.segmentation import write_segmentation
from tests.io.test_dicom_segmentation import ORIENTATIONS, mask_of, write_series

highdicom = pytest.importorskip("highdicom")
LABELS = ("background", "lesion", "cyst")


def annotated(folder, orientation="axial", kind="LABELMAP", **options):
    """Write a series and its segmentation; return its scan, the mask in display order, and both paths."""
    scan = write_series(folder / "ct", orientation, **options)
    mask = mask_of(scan, 3)
    mask[1] = 0
    write_segmentation(folder / "mask.dcm", mask, scan, LABELS, kind=kind)
    return scan, mask, str(folder / "ct"), str(folder / "mask.dcm")


@pytest.mark.parametrize("kind", ["LABELMAP", "BINARY"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_each_voxel_of_the_series_gets_its_label(tmp_path, orientation, reverse, kind):
    scan, mask, series, path = annotated(tmp_path, orientation, kind, reverse=reverse)
    data = medzoo.data.from_volumes(([series], [path]))
    assert data.labels == LABELS and data[0].target.shape == scan.shape
    assert (data[0].target.mask(None) == mask).all()


def test_a_table_names_the_segmentation_of_a_series(tmp_path):
    _, mask, *_ = annotated(tmp_path)
    (tmp_path / "t.csv").write_text("image,mask,patient\nct,mask.dcm,1\n")
    data = medzoo.data.read(f"{tmp_path}/t.csv:mask=mask")
    assert data.labels == LABELS and (data[0].target.mask(None) == mask).all()


def test_segments_are_found_by_name_or_else_by_number(tmp_path):
    _, mask, series, path = annotated(tmp_path)
    turned = medzoo.data.from_volumes(([series], [path]), labels=("background", "Cyst", "Lesion"))[0].target.mask(None)
    assert (turned == np.array([0, 2, 1])[mask]).all()
    renamed = medzoo.data.from_volumes(([series], [path]), labels=("background", "a", "b"))[0].target.mask(None)
    assert (renamed == mask).all()
    with pytest.raises(ValueError, match=r"mask\.dcm has the segments lesion, cyst; expected a"):
        medzoo.data.from_volumes(([series], [path]), labels=("background", "a"))[0].target.mask(None)


def test_the_segmentation_of_another_series_and_missing_slices_are_named(tmp_path):
    _, _, series, path = annotated(tmp_path)
    write_series(tmp_path / "other/ct")
    data = medzoo.data.from_volumes(([str(tmp_path / "other/ct")], [path]))
    with pytest.raises(ValueError, match=r"mask\.dcm refers to other images"):
        data[0].target.mask(None)
    (tmp_path / "ct/3.dcm").unlink()
    data = medzoo.data.from_volumes(([series], [path]))
    with pytest.raises(ValueError, match=r"refers to 1 images that are not among the 3 files.*Add the missing slices"):
        data[0].target.mask(None)


@pytest.mark.parametrize(
    ("uid", "kind"), [("481.3", "a set of structures"), ("2", "a scan"), ("88.33", "a structured report")]
)
def test_other_objects_are_no_masks(tmp_path, uid, kind):
    _, _, series, path = annotated(tmp_path)
    file = pydicom.dcmread(path)
    file.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{uid}"
    file.save_as(path)
    with pytest.raises(ValueError, match=rf"mask\.dcm is {kind}.*expected a mask as a DICOM Segmentation"):
        medzoo.data.from_volumes(([series], [path]))


def test_a_segmentation_of_something_else_than_dicom_is_refused(tmp_path):
    *_, path = annotated(tmp_path)
    import nibabel

    nibabel.Nifti1Image(np.zeros((8, 8, 4), np.int16), np.eye(4)).to_filename(tmp_path / "v.nii.gz")
    data = medzoo.data.from_volumes(([str(tmp_path / "v.nii.gz")], [path]))
    with pytest.raises(ValueError, match=r"its image .*v\.nii\.gz must be DICOM files"):
        data[0].target.mask(None)
