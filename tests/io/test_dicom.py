import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from medzoo.io import find_scans, read_scan


def test_rescale_gives_hounsfield_units(write_dicom):
    path = write_dicom("a.dcm", np.array([[0, 1000]], np.int16), RescaleSlope=2, RescaleIntercept=-1024)
    assert read_scan(path).array[..., 0].tolist() == [[-1024, 976]]


def test_integers_stay_integers_without_rescale(write_dicom, ramp):
    array = read_scan(write_dicom("a.dcm", ramp, RescaleSlope=1, RescaleIntercept=0)).array
    assert array.dtype == np.uint8
    assert np.array_equal(array[..., 0], ramp)


@pytest.mark.parametrize(
    ("dtype", "stored", "expected"),
    [(np.uint16, [[0, 4095]], [[4095, 0]]), (np.int16, [[-2048, 2047]], [[2047, -2048]])],
)
def test_monochrome1_is_inverted_within_its_stored_bits(write_dicom, dtype, stored, expected):
    path = write_dicom(
        "a.dcm", np.array(stored, dtype), PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11
    )
    assert read_scan(path).array[..., 0].tolist() == expected


def test_rgb_keeps_three_channels(write_dicom, ramp):
    colour = np.stack([ramp, 255 - ramp, ramp // 2], -1)
    assert np.array_equal(read_scan(write_dicom("a.dcm", colour, PhotometricInterpretation="RGB")).array, colour)


def test_file_without_suffix_is_known_by_its_magic(write_dicom, ramp):
    assert read_scan(write_dicom("IM000001", ramp)).kind == "dicom"


def test_rle_compressed_file_reads_as_uncompressed(write_dicom, ramp):
    assert np.array_equal(read_scan(write_dicom("a.dcm", ramp, RLELossless)).array[..., 0], ramp)


def compressed(path, streams, syntax):
    """Put streams into a DICOM file in place of its pixels."""
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate(streams)
    dataset["PixelData"].is_undefined_length = True
    if len(streams) > 1:
        dataset.NumberOfFrames = len(streams)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def smooth():
    return cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8), (9, 9), 0)


def test_jpeg_compressed_file_is_decoded(write_dicom, smooth):
    stream = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    read = read_scan(compressed(write_dicom("a.dcm", smooth), [stream], JPEGBaseline8Bit)).array[..., 0]
    assert np.abs(read.astype(int) - smooth).max() <= 3


@pytest.mark.parametrize("frames", [1, 2])
def test_a_jpeg_stream_that_breaks_off_is_refused(write_dicom, smooth, frames):
    whole = cv2.imencode(".jpg", smooth)[1].tobytes()
    path = compressed(
        write_dicom("a.dcm", smooth), [whole, whole[: len(whole) // 2] + b"\xff\xd9"][-frames:], JPEGBaseline8Bit
    )
    with pytest.raises(ValueError, match=r"a\.dcm cannot be read: its JPEG data is damaged"):
        read_scan(path)


def test_runs_of_more_pixels_than_the_image_are_refused(write_dicom, smooth):
    dataset = dcmread(write_dicom("a.dcm", smooth))
    dataset.compress(RLELossless)
    stream = bytearray(next(generate_frames(dataset.PixelData, number_of_frames=1)))
    # The first count of the first segment: 64 literal pixels more.
    stream[64] = min(stream[64] + 3, 127)
    path = compressed(write_dicom("a.dcm", smooth), [bytes(stream)], RLELossless)
    with pytest.raises(ValueError, match=r"a\.dcm cannot be read"):
        read_scan(path)


def test_missing_decoder_names_the_package(write_dicom, ramp, monkeypatch):
    from pydicom.pixels.decoders.base import Decoder

    path = write_dicom("a.dcm", ramp, RLELossless)
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(ImportError, match="RLE Lossless.*pip install pylibjpeg"):
        read_scan(path)


def test_file_without_pixels_is_an_error(write_dicom, ramp):
    import pydicom

    path = write_dicom("a.dcm", ramp, Modality="SR")
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(ValueError, match="holds no pixels"):
        read_scan(path)


def test_multi_frame_is_a_volume_in_frame_order(write_dicom):
    frames = np.arange(3, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)
    scan = read_scan(write_dicom("a.dcm", frames))
    assert scan.shape == (3, 4, 5)
    assert scan.array[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_enhanced_multi_frame_uses_the_position_and_rescale_of_each_frame(write_dicom):
    frames = np.array([2, 0, 1], np.uint8)[:, None, None] * np.ones((1, 4, 5), np.uint8)
    path = write_dicom(
        "a.dcm",
        frames,
        SharedFunctionalGroupsSequence=[
            group(PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
                  PixelMeasuresSequence={"PixelSpacing": [1, 1]})
        ],
        PerFrameFunctionalGroupsSequence=[
            group(PlanePositionSequence={"ImagePositionPatient": [0, 0, height]},
                  PixelValueTransformationSequence={"RescaleSlope": 10 + height, "RescaleIntercept": 1})
            for height in (2, 0, 1)
        ],
    )  # fmt: skip
    scan = read_scan(path)
    assert scan.array[:, 0, 0, 0].tolist() == [1, 12, 25]
    assert scan.spacing == (1, 1, 1)


def group(**sequences):
    item = Dataset()
    for name, attributes in sequences.items():
        inner = Dataset()
        for keyword, value in attributes.items():
            setattr(inner, keyword, value)
        setattr(item, name, [inner])
    return item


def test_series_is_sorted_by_position_not_by_name(write_series):
    scan = read_scan(write_series(heights=(2, 0, 3, 1)))
    assert scan.array[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
    assert scan.spacing == (1, 0.5, 0.25)


def test_series_names_its_folder_as_source(write_series):
    folder = write_series()
    assert read_scan(folder).source == str(folder)


def test_affine_of_a_series_is_in_ras(write_series):
    expected = np.diag([-0.25, -0.5, 1, 1])
    assert np.allclose(read_scan(write_series(heights=(0, 1))).affine, expected)


def test_axial_series_of_a_prone_patient_is_turned_upright(write_series):
    scan = read_scan(write_series(heights=(0, 1, 2), orientation=(-1, 0, 0, 0, -1, 0)))
    assert scan.orientation[:2, 1].tolist() == [-1, -1]
    assert scan.array[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_head_first_order_holds_where_the_normal_points_to_the_feet(write_series):
    scan = read_scan(write_series(heights=(0, 1, 2), orientation=(-1, 0, 0, 0, 1, 0)))
    assert scan.array[:, 0, 0, 0].tolist() == [2, 1, 0]


def test_sagittal_series_keeps_its_slices(write_series):
    scan = read_scan(write_series(heights=(1, 0, 2), orientation=(0, 1, 0, 0, 0, -1)))
    assert scan.shape == (3, 4, 5)
    assert scan.orientation is None


def test_series_without_positions_is_sorted_by_instance_number(write_dicom, tmp_path):
    for name, number in (("a", 3), ("b", 1), ("c", 2)):
        write_dicom(f"s/{name}", np.full((4, 5), number, np.uint8), InstanceNumber=number)
    scan = read_scan(tmp_path / "s")
    assert scan.array[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert scan.affine is None


def test_slices_of_different_sizes_are_an_error(write_series, write_dicom):
    folder = write_series()
    place = {"ImagePositionPatient": [0, 0, 9], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1]}
    write_dicom("series/odd", np.zeros((6, 6), np.int16), **place)
    with pytest.raises(ValueError, match="different sizes"):
        read_scan(folder)


def test_two_slices_at_one_place_are_an_error(write_series):
    with pytest.raises(ValueError, match="2 slices at the place of another.*one time point"):
        read_scan(write_series(heights=(0, 1, 0, 1)))


def test_localizer_is_an_error(write_series, write_dicom):
    folder = write_series(heights=(0, 1))
    place = {"ImagePositionPatient": [0, 0, 9], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1], "PixelSpacing": [1, 1]}
    write_dicom("series/other", np.zeros((4, 5), np.int16), **place)
    with pytest.raises(ValueError, match="different directions"):
        read_scan(folder)


def test_missing_slice_is_a_warning(write_series):
    with pytest.warns(UserWarning, match="1.00 to 2.00 mm apart"):
        read_scan(write_series(heights=(0, 1, 3)))


def test_folder_of_two_series_names_their_number(write_series):
    folder = write_series("s")
    for path in list(folder.iterdir()):
        path.rename(path.with_name(f"first-{path.name}"))
    write_series("s", SeriesInstanceUID="9.9")
    with pytest.raises(ValueError, match="holds 2 scans"):
        read_scan(folder)
    assert [str(scan) for scan in find_scans(folder)] == [f"{folder}/1.2.3", f"{folder}/9.9"]
    assert all(read_scan(scan).shape == (4, 4, 5) for scan in find_scans(folder))


def test_x_rays_of_one_series_are_single_scans(write_dicom, tmp_path, ramp):
    for name in ("front.dcm", "side.dcm"):
        write_dicom(f"s/{name}", ramp, Modality="DX")
    assert find_scans(tmp_path / "s") == [str(tmp_path / "s/front.dcm"), str(tmp_path / "s/side.dcm")]


def test_compressed_data_that_fails_names_another_decoder(write_dicom, ramp):
    path = write_dicom("a.dcm", ramp, RLELossless)
    data = path.read_bytes()
    path.write_bytes(data[:-120] + bytes(112) + data[-8:])
    with pytest.raises(ValueError, match="cannot be read.*or install another decoder: pip install"):
        read_scan(path)


def test_dcm_file_without_magic_is_an_error(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"x" * 500)
    with pytest.raises(ValueError, match="'DICM' is missing"):
        read_scan(tmp_path / "a.dcm")


def test_cut_pixel_data_is_a_one_line_error(write_dicom, ramp):
    path = write_dicom("a.dcm", ramp)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cannot be read") as caught:
        read_scan(path)
    assert "\n" not in str(caught.value)


def test_jpeg_ls_without_its_package_is_an_import_error(write_dicom, ramp):
    import pydicom
    from pydicom.pixels import get_decoder

    if get_decoder(JPEGLSLossless).is_available:
        pytest.skip("a JPEG-LS decoder is installed")
    path = write_dicom("a.dcm", ramp, RLELossless)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.save_as(path)
    with pytest.raises(ImportError, match="JPEG-LS.*pip install"):
        read_scan(path)
