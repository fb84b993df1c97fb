"""Slices whose place is odd: refused, or said, never taken for a straight stack of known millimetres."""

import warnings

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom import Dataset

from medzoo.io import as_image, read_scan, write_mask

AXIAL = [1, 0, 0, 0, 1, 0]
NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"


@pytest.fixture
def write_stack(write_dicom):
    """Return a function that writes slices `3 z` mm high with attributes that may differ, and returns their folder."""

    def write(*changes, **attributes):
        for index, change in enumerate(changes):
            place = {"ImagePositionPatient": [0, 0, 3 * index], "ImageOrientationPatient": AXIAL}
            values = {"PixelSpacing": [0.7, 0.9], "InstanceNumber": index + 1, **place, **attributes, **change}
            kept = {keyword: value for keyword, value in values.items() if value is not None}
            path = write_dicom(f"stack/{index}.dcm", np.full((4, 5), index, np.int16), **kept)
        return path.parent

    return write


def item(**values):
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ImagePositionPatient": None}, r"1 \(2\.dcm\) of 4 slices state no valid ImagePositionPatient"),
        ({"ImagePositionPatient": [0, 6]}, "state no valid"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}, "state no valid"),
        ({"PixelSpacing": None}, r"1 \(2\.dcm\) of 4 slices have another PixelSpacing than 0\.7 x 0\.9"),
        ({"PixelSpacing": [1.4, 1.8]}, "another PixelSpacing"),
        ({"PixelSpacing": [0, 0]}, "another PixelSpacing"),
        ({"ImagePositionPatient": [8, 0, 6]}, "8.00 mm beside the line"),
        ({"ImagePositionPatient": [0.2, 0, 6]}, "0.20 mm beside the line"),
        ({"FrameOfReferenceUID": "1.2.9.9"}, "2 frames of reference"),
    ],
)
@pytest.mark.parametrize("door", [read_scan, lambda folder: as_image(folder).grid()], ids=["read", "grid"])
def test_one_odd_slice_is_an_error(write_stack, change, message, door):
    with pytest.raises(ValueError, match=message):
        door(write_stack({}, {}, change, {}, FrameOfReferenceUID="1.2.9"))


def test_slices_on_a_curve_are_an_error(write_stack):
    angles = np.linspace(0, 1, 5)
    with pytest.raises(ValueError, match="beside the line"):
        read_scan(write_stack(*({"ImagePositionPatient": [30 * np.cos(a), 0, 30 * np.sin(a)]} for a in angles)))


def test_rounded_positions_are_a_straight_stack(write_stack):
    changes = ({"ImagePositionPatient": [0.01 * (index % 2), 0, 3 * index]} for index in range(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_scan(write_stack(*changes)).spacing == pytest.approx((3, 0.7, 0.9), abs=1e-4)


@pytest.mark.parametrize("position", [None, [float("nan"), 0, 0]])
def test_series_without_any_position_warns_that_millimetres_are_lost(write_stack, position):
    with pytest.warns(UserWarning, match="none of its 3 slices.*millimetres are not known"):
        scan = read_scan(write_stack({}, {}, {}, ImagePositionPatient=position))
    assert (scan.affine, scan.spacing, scan.pixel_size) == (None, None, None)


@pytest.mark.parametrize("spacing", [[0, 0], [-1, 1], [0.5, 0]])
def test_series_without_a_valid_spacing_is_sorted_and_has_no_millimetres(write_stack, spacing):
    heights = ({"ImagePositionPatient": [0, 0, -index]} for index in range(3))
    with pytest.warns(UserWarning, match="no valid PixelSpacing"):
        scan = read_scan(write_stack(*heights, PixelSpacing=spacing))
    assert (scan.affine, scan.spacing) == (None, None)
    assert scan.array[:, 0, 0, 0].tolist() == [2, 1, 0]


@pytest.mark.filterwarnings("ignore:Invalid value for VR DS")
@pytest.mark.parametrize("spacing", [[0, 0], [-1, -1], [0.5], [0, 0.5], [float("nan"), 1]])
def test_single_image_with_a_spacing_that_is_no_size_has_none(write_dicom, ramp, spacing):
    place = {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": AXIAL}
    scan = read_scan(write_dicom("a.dcm", ramp, PixelSpacing=spacing, **place))
    assert (scan.spacing, scan.affine, scan.pixel_size) == (None, None, None)


def tilted(degrees, count=4, step=5):
    angle = np.radians(degrees)
    orientation = [1, 0, 0, 0, float(np.cos(angle)), float(np.sin(angle))]
    changes = ({"ImagePositionPatient": [0, 0, step * index]} for index in range(count))
    return changes, {"ImageOrientationPatient": orientation, "PixelSpacing": [1, 1]}


def test_gantry_tilt_is_named_and_its_voxels_have_the_volume_of_the_affine(write_stack):
    changes, common = tilted(20)
    with pytest.warns(UserWarning, match="gantry tilt of 20.0 degrees"):
        scan = read_scan(write_stack(*changes, **common))
    assert scan.pixel_size == pytest.approx(5 * np.cos(np.radians(20)))


@pytest.mark.filterwarnings("ignore:.*gantry tilt")
def test_mask_of_a_tilted_series_has_a_qform_without_shear(write_stack, tmp_path):
    changes, common = tilted(-20)
    scan = read_scan(write_stack(*changes, **common))
    write_mask(tmp_path / "mask.nii.gz", np.zeros(scan.shape, np.uint8), scan, ("background", "tumor"))
    header = nibabel.load(tmp_path / "mask.nii.gz").header
    assert np.allclose(header.get_sform(), scan.affine)
    qform = header.get_qform(coded=True)[0]
    directions = qform[:3, :3] / header.get_zooms()
    assert np.allclose(directions.T @ directions, np.eye(3), atol=1e-6)
    # That of ITK for the series: the first slice at its place, the others along its normal.
    assert np.allclose(qform[:, [0, 1, 3]], scan.affine[:, [0, 1, 3]], atol=1e-5)
    assert header.get_zooms() == (1, 1, 5)


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "EchoTime", "ConvolutionKernel"])
def test_two_acquisitions_that_alternate_are_a_warning(write_stack, keyword):
    values = (1, 2) if keyword != "ConvolutionKernel" else ("B30", "B70")
    with pytest.warns(UserWarning, match=f"2 acquisitions alternate.*{keyword}"):
        read_scan(write_stack(*({keyword: values[index % 2]} for index in range(4))))


def test_acquisitions_one_after_the_other_are_no_warning(write_stack):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_scan(write_stack(*({"AcquisitionNumber": 1 + index // 2} for index in range(4))))


def write_enhanced(write_dicom, heights, private=True):
    frames = np.arange(len(heights), dtype=np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)
    per_frame = [item(PlanePositionSequence=[item(ImagePositionPatient=[1, 2, height])]) for height in heights]
    for group in per_frame if private else ():
        block = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        repeated = item(ImagePositionPatient=[9, 9, 9], PixelSpacing=[7, 7], RescaleSlope=5, RescaleIntercept=0)
        block.add_new(0x0F, "SQ", [repeated])
    shared = item(
        PlaneOrientationSequence=[item(ImageOrientationPatient=AXIAL)],
        PixelMeasuresSequence=[item(PixelSpacing=[1, 2])],
        PixelValueTransformationSequence=[item(RescaleSlope=2, RescaleIntercept=0)],
        # A public one that repeats a tag with another meaning.
        ReferencedImageSequence=[item(ImagePositionPatient=[8, 8, 8])],
    )
    sequences = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": per_frame}
    return write_dicom("enhanced.dcm", frames, **sequences)


def test_private_sequence_that_repeats_public_tags_is_not_believed(write_dicom):
    scan = read_scan(write_enhanced(write_dicom, (0, 3, 6)))
    assert scan.affine.tolist() == [[-2, 0, 0, -1], [0, -1, 0, -2], [0, 0, 3, 0], [0, 0, 0, 1]]
    assert scan.array[:, 0, 0, 0].tolist() == [0, 2, 4]


def test_frames_against_the_normal_keep_the_order_of_their_file(write_dicom):
    path = write_enhanced(write_dicom, (6, 3, 0))
    scan = read_scan(path)
    assert scan.affine[:3, 2:].tolist() == [[0, -1], [0, -2], [-3, 6]]
    assert np.array_equal(as_image(path).grid().affine, scan.affine)
    # From foot to head as ever.
    assert scan.array[:, 0, 0, 0].tolist() == [4, 2, 0]


@pytest.mark.parametrize("has_place", [True, False])
def test_frames_that_state_no_place_of_their_own_are_a_warning(write_dicom, has_place):
    place = {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": AXIAL, "PixelSpacing": [1, 1]}
    path = write_dicom("a.dcm", np.zeros((3, 4, 5), np.uint8), **(place if has_place else {}))
    with pytest.warns(UserWarning, match="none of its 3 slices"):
        assert read_scan(path).affine is None


@pytest.mark.parametrize("step", [2.0, -2.0])
def test_reconstruction_of_nuclear_medicine_is_placed_by_detector_and_step(write_dicom, step):
    path = write_dicom(
        "a.dcm",
        np.zeros((3, 4, 5), np.uint16),
        SOPClassUID=NUCLEAR,
        Modality="NM",
        PixelSpacing=[4, 4],
        SpacingBetweenSlices=step,
        SliceVector=[1, 2, 3],
        DetectorInformationSequence=[item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=AXIAL)],
    )
    scan = read_scan(path)
    assert scan.spacing == (2, 4, 4)
    assert scan.affine[:3, 2:].tolist() == [[0, -1], [0, -2], [step, 3]]


def test_two_frames_of_nuclear_medicine_in_one_slice_are_an_error(write_dicom):
    path = write_dicom(
        "a.dcm",
        np.zeros((4, 4, 5), np.uint16),
        SOPClassUID=NUCLEAR,
        PixelSpacing=[4, 4],
        SpacingBetweenSlices=2,
        SliceVector=[1, 2, 1, 2],
        DetectorInformationSequence=[item(ImagePositionPatient=[1, 2, 3], ImageOrientationPatient=AXIAL)],
    )
    with pytest.raises(ValueError, match="2 slices at the place of another"):
        read_scan(path)


@pytest.mark.parametrize("keeps_meta", [True, False])
def test_series_without_preamble_is_read(write_stack, keeps_meta):
    folder = write_stack({}, {}, {})
    for path in list(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        data = path.read_bytes()[132:]
        if not keeps_meta:
            # The group of the file's meta information begins with its length.
            data = data[12 + dataset.file_meta.FileMetaInformationGroupLength :]
        path.with_suffix("").write_bytes(data)
        path.unlink()
    assert read_scan(folder).spacing == (3, 0.7, 0.9)
    assert as_image(folder).patient() == ""
