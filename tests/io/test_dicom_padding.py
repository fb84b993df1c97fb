"""PixelPaddingValue: darkest in pictures, and in no statistic."""

import numpy as np
import pytest

from medzoo import Preprocessing
from medzoo.data import Samples, fit_preprocessing
from medzoo.io import read_scan
from medzoo.preprocessing.stack import Stack
from medzoo.transforms.intensity import to_display

INSIDE = np.s_[2:10, 2:14]


def padded(value, dtype=np.int16, low=100):
    pixels = np.full((12, 16), value, dtype)
    pixels[INSIDE] = low + np.arange(96, dtype=dtype).reshape(8, 12)
    return pixels


@pytest.mark.parametrize(
    ("dtype", "value", "attributes"),
    [
        (np.int16, -32768, {"PixelPaddingValue": -32768}),
        (np.int16, 30000, {"PixelPaddingValue": 30000}),
        (np.uint16, 0, {"PixelPaddingValue": 0}),
        (np.int16, -2005, {"PixelPaddingValue": -2000, "PixelPaddingRangeLimit": -2010}),
        (np.uint16, 60000, {"PixelPaddingValue": 50000, "PixelPaddingRangeLimit": 65535}),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_known_and_darkest(write_dicom, dtype, value, attributes, photometric):
    scan = read_scan(
        write_dicom("a.dcm", padded(value, dtype), PhotometricInterpretation=photometric, RescaleSlope=2,
                    RescaleIntercept=-10, **attributes)
    )  # fmt: skip
    assert not scan.padding[INSIDE].any()
    assert scan.padding.sum() == 96
    assert (scan.array[scan.padding] == scan.array[INSIDE].min()).all()
    assert (to_display(scan.array)[scan.padding] == 0).all()


def test_file_without_padded_pixels_is_as_stored(write_dicom):
    scan = read_scan(write_dicom("a.dcm", padded(5), PixelPaddingValue=-2000, RescaleSlope=1, RescaleIntercept=0))
    assert scan.padding is None
    assert scan.array[..., 0].tolist() == padded(5).tolist()


def test_image_of_nothing_but_padding_is_read_as_it_is(write_dicom):
    scan = read_scan(write_dicom("a.dcm", np.full((4, 5), -2000, np.int16), PixelPaddingValue=-2000))
    assert scan.padding is None


@pytest.mark.parametrize(
    "steps",
    [{"normalization": name} for name in ("rescale", "standardize", "robust", "type_range")] + [{"clip": (5, 95)}],
    ids=str,
)
def test_padding_is_in_no_statistic_of_a_picture(write_dicom, steps):
    steps = Preprocessing((12, 16), **steps)
    whole = read_scan(write_dicom("a.dcm", padded(-32768), PixelPaddingValue=-32768))
    inside = Preprocessing((8, 12), **{name: getattr(steps, name) for name in ("normalization", "clip")})
    expected = next(inside.inputs(read_scan(padded(0)[INSIDE])))
    assert np.allclose(next(steps.inputs(whole))[INSIDE], expected)


@pytest.mark.parametrize("model", ["slices", "volume", "stack"])
def test_padding_is_in_no_statistic_of_a_series(write_dicom, model):
    for index in range(3):
        place = {"ImagePositionPatient": [0, 0, -index], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        pixels = padded(-2000, low=100 + 100 * index)
        path = write_dicom(f"s/{index}", pixels, PixelPaddingValue=-2000, PixelSpacing=[1, 1], **place)
    scan = read_scan(path.parent)
    assert scan.padding.shape == scan.shape
    options = {"slices": {"size": (12, 16)}, "volume": {"size": (3, 12, 16)}, "stack": {"size": (12, 16)}}[model]
    more = {"channels": 3, "stack": Stack()} if model == "stack" else {}
    pixels = next(Preprocessing(**options, **more).inputs(scan, 0 if model == "slices" else None))
    assert np.quantile(pixels[..., 2:10, 2:14, :] if model == "volume" else pixels[INSIDE], 0.5) == pytest.approx(
        0.5, abs=0.02
    )


def test_padding_is_in_no_statistic_of_a_data_set(write_dicom):
    paths = [write_dicom(f"{n}.dcm", padded(-2000), PixelPaddingValue=-2000, Modality="DX") for n in range(2)]
    samples = Samples(tuple(map(str, paths)), (0, 1), ("a", "b"), ("train", "train"), ("no", "yes"))
    fitted = fit_preprocessing(Preprocessing((12, 16), normalization="dataset"), samples)
    inside = padded(0)[INSIDE]
    assert fitted.mean == pytest.approx((inside.mean(),))
    assert fitted.std == pytest.approx((inside.std(),))
