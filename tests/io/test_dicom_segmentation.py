"""Masks as DICOM Segmentations: other programs find each voxel where it was."""

import warnings

import numpy as np
import pydicom
import pytest

from medzoo import read_scan
from medzoo.io import find_scans, restore
from medzoo.io.dicom.segmentation import Maker, code_of, write_segmentation
from tests.dicom_files import dicom

highdicom = pytest.importorskip("highdicom")
sitk = pytest.importorskip("SimpleITK")

ORIENTATIONS = {
    "axial": [1, 0, 0, 0, 1, 0],
    "sagittal": [0, 1, 0, 0, 0, -1],
    "coronal": [1, 0, 0, 0, 0, -1],
    "oblique": [0.8, 0.6, 0, -0.6, 0.8, 0],
    "turned": [-1, 0, 0, 0, -1, 0],
}


def write_series(folder, orientation="axial", slices=4, reverse=False):
    """Write a series with the attributes of a scanner, and return its scan."""
    row, column = np.split(np.array(ORIENTATIONS[orientation], float), 2)
    normal = np.cross(row, column) * (-1 if reverse else 1)
    for number in range(slices):
        path = dicom(folder, f"{number}.dcm", float(number))
        file = pydicom.dcmread(path)
        file.ImageOrientationPatient = [*row, *column]
        file.ImagePositionPatient = (np.array([10.0, -20.0, 5.0]) + 2.5 * number * normal).tolist()
        file.StudyInstanceUID, file.FrameOfReferenceUID, file.PatientName = "1.2.9", "1.2.8", "Doe^Jane"
        file.InstanceNumber, file.SeriesNumber, file.SliceThickness = number + 1, 3, 2.5
        file.save_as(path)
    return read_scan(folder)


def seg_world(path):
    """Return the same as highdicom reads it, by the positions of the frames."""
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True)
    indices = np.argwhere(volume.array > 0)
    places = volume.map_indices_to_reference(indices)
    values = volume.array[tuple(indices.T)]
    return {tuple(np.round(place, 2) + 0.0): int(value) for place, value in zip(places, values, strict=True)}


def series_world(folder, scan, mask):
    """Return the same from the grid in which SimpleITK reads the series."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([file for file, _ in scan.frames])
    image = reader.Execute()
    labels = restore(mask, scan).T
    found = {}
    for slice_, row, column in np.argwhere(labels > 0).tolist():
        place = image.TransformIndexToPhysicalPoint((column, row, slice_))
        found[tuple(np.round(place, 2) + 0.0)] = int(labels[slice_, row, column])
    return found


def mask_of(scan, labels=2):
    return np.random.default_rng(0).integers(0, labels, scan.shape).astype(np.uint8)


@pytest.mark.parametrize("kind", ["LABELMAP", "BINARY"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_each_frame_is_that_of_its_slice(tmp_path, orientation, reverse, kind):
    scan = write_series(tmp_path / "ct", orientation, reverse=reverse)
    mask = mask_of(scan, 4)
    write_segmentation(tmp_path / "m.dcm", mask, scan, ("background", "a", "b", "c"), kind=kind)
    seg = highdicom.seg.segread(tmp_path / "m.dcm")
    assert seg.segmentation_type.value == kind and seg.PatientName == "Doe^Jane"
    uids = [pydicom.dcmread(file).SOPInstanceUID for file, _ in scan.frames]
    read = seg.get_pixels_by_source_instance(uids, combine_segments=True, ignore_spatial_locations=True)
    assert (np.asarray(read) == restore(mask, scan).T).all()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_labels_lie_where_simpleitk_has_the_voxels_of_the_series(tmp_path, orientation):
    scan = write_series(tmp_path / "ct", orientation)
    mask = mask_of(scan, 3)
    write_segmentation(tmp_path / "m.dcm", mask, scan, ("background", "a", "b"))
    assert seg_world(tmp_path / "m.dcm") == series_world(tmp_path / "ct", scan, mask)


def test_labels_carry_codes_and_the_model_its_name(tmp_path):
    scan = write_series(tmp_path / "ct")
    labels = ("background", "liver tumor", "left ventricle", "unheard of")
    write_segmentation(tmp_path / "m.dcm", mask_of(scan, 4), scan, labels, Maker("my-unet", "ab" * 32))
    seg = highdicom.seg.segread(tmp_path / "m.dcm")
    found = [seg.get_segment_description(number) for number in (1, 2, 3)]
    assert [segment.segment_label for segment in found] == list(labels[1:])
    assert [segment.segmented_property_type.meaning for segment in found] == [
        "Neoplasm",
        "Left ventricle of heart",
        "Tissue",
    ]
    algorithm = found[0].algorithm_identification
    assert algorithm.name == "my-unet" and algorithm.parameters["sha256"] == "ab" * 32
    assert code_of("tumour") == code_of("brain tumor")
    assert code_of("anterior chamber") == code_of("unheard of")
    assert code_of("left_ventricle_cavity") == code_of("LV") != code_of("RV")


@pytest.mark.parametrize("labels", [2, 105])
def test_empty_masks_and_many_labels_are_written(tmp_path, labels):
    scan = write_series(tmp_path / "ct")
    names = ("background", *(f"part {number}" for number in range(1, labels)))
    write_segmentation(tmp_path / "m.dcm", np.zeros(scan.shape, np.uint8), scan, names)
    seg = highdicom.seg.segread(tmp_path / "m.dcm")
    assert list(seg.segment_numbers) == list(range(1, labels)) and not seg.pixel_array.any()


def test_a_single_slice_is_a_source_as_well(tmp_path):
    write_series(tmp_path / "ct", slices=1)
    scan = read_scan(tmp_path / "ct/0.dcm")
    mask = mask_of(scan)
    write_segmentation(tmp_path / "m.dcm", mask, scan, ("background", "tumor"))
    assert (highdicom.seg.segread(tmp_path / "m.dcm").pixel_array == mask).all()


def test_other_scans_and_files_that_lack_an_attribute_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"array is not from DICOM files.*\.nii\.gz"):
        write_segmentation(tmp_path / "m.dcm", np.zeros((4, 4), np.uint8), read_scan(np.zeros((4, 4))), ("b", "t"))
    dicom(tmp_path / "bare", "a.dcm")
    scan = read_scan(tmp_path / "bare/a.dcm")
    with pytest.raises(ValueError, match=r"cannot be made for .*a\.dcm: .*StudyInstanceUID"):
        write_segmentation(tmp_path / "m.dcm", np.zeros((8, 8), np.uint8), scan, ("b", "t"))
    assert not (tmp_path / "m.dcm").exists()


def test_a_segmentation_is_no_scan_of_the_next_run(tmp_path):
    scan = write_series(tmp_path / "ct")
    write_segmentation(tmp_path / "ct/m.dcm", mask_of(scan), scan, ("background", "tumor"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        (found,) = find_scans(tmp_path / "ct")
    assert len(found.files) == 4 and any("a segmentation" in str(warning.message) for warning in told)


def test_more_labels_than_a_byte_has_are_refused(tmp_path):
    scan = write_series(tmp_path / "ct")
    with pytest.raises(ValueError, match="up to 255 segments; got 299"):
        write_segmentation(tmp_path / "m.dcm", np.zeros(scan.shape, np.uint8), scan, tuple(map(str, range(300))))
