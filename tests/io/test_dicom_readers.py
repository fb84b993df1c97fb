"""Masks as DICOM Segmentations: read back by others with equal voxels at equal places."""

import shutil
import subprocess
import warnings

import numpy as np
import pydicom
import pytest

from medzoo.io import find_scans, read_scan, restore
from medzoo.io.dicom.segmentation import write_segmentation

highdicom = pytest.importorskip("highdicom", reason='needs pip install ".[dicom]"')
LAYS = {
    "axial": [1, 0, 0, 0, 1, 0],
    "sagittal": [0, 1, 0, 0, 0, -1],
    "coronal": [1, 0, 0, 0, 0, -1],
    "oblique": [0.8, 0.6, 0, -0.48, 0.64, 0.6],
    "turned": [-1, 0, 0, 0, -1, 0],
}


def write_seg(path, mask, scan, labels, binary=False):
    write_segmentation(path, mask, scan, labels, kind="BINARY" if binary else "LABELMAP")


def write_ct(folder, lay="axial", flip=False, count=4, seed=0):
    folder.mkdir(parents=True)
    row, column = np.array(LAYS[lay], float).reshape(2, 3)
    study, series, place = (pydicom.uid.generate_uid() for _ in range(3))
    values = np.random.default_rng(seed).integers(0, 90, (count, 5, 6)).astype(np.int16)
    for number in range(count):
        meta = pydicom.dataset.FileMetaDataset()
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        file = pydicom.dataset.FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
        file.SOPClassUID = meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        file.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        file.StudyInstanceUID, file.SeriesInstanceUID, file.FrameOfReferenceUID = study, series, place
        file.PatientID, file.PatientName, file.PatientBirthDate, file.PatientSex = "P7", "Doe^Jo", "", ""
        file.StudyDate = file.StudyTime = file.AccessionNumber = file.StudyID = file.ReferringPhysicianName = ""
        file.Modality, file.InstanceNumber, file.SliceThickness = "CT", number + 1, 2.5
        step = (-1 if flip else 1) * 2.5 * number * np.cross(row, column)
        file.ImagePositionPatient = [round(float(value), 6) for value in np.array([-10, 20, 30]) + step]
        file.ImageOrientationPatient, file.PixelSpacing = LAYS[lay], [0.5, 0.75]
        file.Rows, file.Columns, file.SamplesPerPixel, file.PhotometricInterpretation = 5, 6, 1, "MONOCHROME2"
        file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 16, 15, 1
        file.PixelData = values[number].tobytes()
        # Names in another order than the slices.
        file.save_as(folder / f"{(number * 7) % 5}.dcm", enforce_file_format=True)
    return folder


def mask_for(scan, count):
    return np.random.default_rng(3).integers(0, count + 1, scan.shape).astype(np.uint8)


def empty_mask(scan):
    return np.zeros(scan.shape, np.uint8)


def full_mask(scan):
    """Return a mask with a pixel in each slice, so that BINARY has all frames."""
    mask = mask_for(scan, 1)
    mask[:, 0, 0] = 1
    return mask


def names(count):
    return ["background", *(f"structure {number}" for number in range(1, count + 1))]


def points_of(mask, scan, label):
    """Return the places of a label in LPS, mm, rounded and sorted."""
    voxels = np.argwhere(restore(mask, scan) == label)
    return sorted(map(tuple, np.round((voxels @ scan.affine[:3, :3].T + scan.affine[:3, 3]) * [-1, -1, 1], 3)))


def points_in(path, label):
    """Return the same of a file, frame by frame as pydicom reads it."""
    file = pydicom.dcmread(path)
    pixels = file.pixel_array.reshape(-1, file.Rows, file.Columns)
    shared = file.SharedFunctionalGroupsSequence[0]
    is_bits = file.SegmentationType == "BINARY"
    found = []
    for frame, group in zip(pixels, file.PerFrameFunctionalGroupsSequence, strict=True):
        # What is equal in all frames may stand in the shared group.
        stated = lambda name: (group.get(name) or shared.get(name))[0]  # noqa: B023, E731
        if is_bits and stated("SegmentIdentificationSequence").ReferencedSegmentNumber != label:
            continue
        row, column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
        down, across = shared.PixelMeasuresSequence[0].PixelSpacing
        start = np.array(stated("PlanePositionSequence").ImagePositionPatient, float)
        places = np.argwhere(frame == (1 if is_bits else label))
        found += [tuple(np.round(start + x * across * row + y * down * column, 3)) for y, x in places]
    return sorted(found)


def save(folder, tmp_path, count=3, mask=None, **options):
    scan = read_scan(folder)
    mask = mask_for(scan, count) if mask is None else mask(scan)
    path = tmp_path / "mask.dcm"
    write_seg(path, mask, scan, names(count), **options)
    return path, mask, scan


@pytest.mark.parametrize("binary", [False, True], ids=["labelmap", "binary"])
@pytest.mark.parametrize("flip", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("lay", LAYS)
def test_voxels_lie_at_the_places_of_the_source(tmp_path, lay, flip, binary):
    path, mask, scan = save(write_ct(tmp_path / "ct", lay, flip), tmp_path, binary=binary)
    for label in (1, 2, 3):
        np.testing.assert_allclose(points_in(path, label), points_of(mask, scan, label), atol=2e-3)


@pytest.mark.parametrize("binary", [False, True], ids=["labelmap", "binary"])
@pytest.mark.parametrize("count", [1, 30, 104])
def test_many_labels_are_read_back_by_highdicom_for_each_source_image(tmp_path, count, binary):
    path, mask, scan = save(write_ct(tmp_path / "ct"), tmp_path, count, binary=binary)
    seg = highdicom.seg.segread(path)
    assert [item.SegmentLabel for item in seg.SegmentSequence if item.SegmentNumber] == names(count)[1:]
    files = sorted(
        map(pydicom.dcmread, {file for file, _ in scan.frames}), key=lambda file: file.ImagePositionPatient[2]
    )
    read = seg.get_pixels_by_source_instance(
        [file.SOPInstanceUID for file in files], combine_segments=True, assert_missing_frames_are_empty=True
    )
    np.testing.assert_array_equal(read, mask)


@pytest.mark.parametrize("lay", LAYS)
def test_simpleitk_reads_bits_at_the_place_of_their_series(tmp_path, lay):
    # Its GDCM does not know the SOP class of a LABELMAP.
    sitk = pytest.importorskip("SimpleITK")
    path, mask, scan = save(write_ct(tmp_path / "ct", lay), tmp_path, 1, mask=full_mask, binary=True)
    image = sitk.ReadImage(str(path))
    voxels = np.argwhere(sitk.GetArrayFromImage(image) != 0)[:, ::-1]
    places = sorted(tuple(np.round(image.TransformIndexToPhysicalPoint(voxel.tolist()), 3)) for voxel in voxels)
    np.testing.assert_allclose(places, points_of(mask, scan, 1), atol=2e-3)


@pytest.mark.parametrize("binary", [False, True], ids=["labelmap", "binary"])
def test_dcmqi_reads_equal_voxels(tmp_path, binary):
    command = shutil.which("segimage2itkimage")
    if command is None:
        pytest.skip("dcmqi is not installed (pip install dcmqi)")
    path, mask, _ = save(write_ct(tmp_path / "ct"), tmp_path, 1, binary=binary)
    words = [command, "--inputDICOM", path, "--outputDirectory", tmp_path, "-t", "nifti", "--mergeSegments"]
    subprocess.run(words, check=True, capture_output=True)
    np.testing.assert_array_equal(read_scan(tmp_path / "1.nii.gz").array[..., 0], mask)


@pytest.mark.parametrize("binary", [False, True], ids=["labelmap", "binary"])
def test_empty_mask_is_a_file_without_a_pixel(tmp_path, binary):
    path, *_ = save(write_ct(tmp_path / "ct"), tmp_path, mask=empty_mask, binary=binary)
    assert not pydicom.dcmread(path).pixel_array.any()


def test_single_image_has_a_segmentation(tmp_path):
    folder = write_ct(tmp_path / "ct", count=1)
    path, mask, _ = save(next(folder.iterdir()), tmp_path)
    np.testing.assert_array_equal(pydicom.dcmread(path).pixel_array.reshape(mask.shape), mask)


def test_answer_beside_its_series_is_passed_over(tmp_path):
    folder = write_ct(tmp_path / "ct")
    write_seg(folder / "mask.dcm", mask_for(scan := read_scan(folder), 2), scan, names(2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [str(found) for found in find_scans(folder)] == [str(folder)]
    assert "SEG" in str(caught[0].message)


def test_many_files_of_a_kind_are_one_warning(tmp_path):
    folder = write_ct(tmp_path / "ct")
    for name in ("a.dcm", "b.dcm", "c.dcm"):
        write_other(folder, name, pydicom.uid.RTDoseStorage)
    with pytest.warns(UserWarning, match="a.dcm and 2 more are passed over: each is a dose") as caught:
        find_scans(folder)
    assert len(caught) == 1


def write_other(folder, name, sop_class):
    file = pydicom.dcmread(next(path for path in folder.iterdir() if path.stem.isdecimal()))
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = sop_class
    file.save_as(folder / name)
