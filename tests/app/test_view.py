"""Pictures of the planes of a scan."""

import cv2
import numpy as np
import pytest

from medzoo import read_scan
from medzoo.app.view import MASK, PROBABILITY, SCAN, View, Window
from medzoo.inference import ClassPrediction, MaskPrediction
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Segmentation


def shown(png):
    """Return the pixels of a PNG in RGB."""
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def mask_view(array, answer):
    """Return the view of a mask that a network answered."""
    scan = read_scan(array)
    windows = Preprocessing(answer.shape[1:-1]).windows(scan, every_slice=True)
    return View(MaskPrediction(windows, Segmentation(("background", "tumor")), answer))


@pytest.fixture
def volume():
    """Return the view of a volume (4, 6, 8) in which one voxel is bright and marked."""
    array = np.zeros((4, 6, 8), np.int16)
    array[3, 1, 6] = 1000
    return mask_view(array, (array[None, ..., None] > 0).astype(np.float32))


def test_planes_lie_as_a_reader_expects(volume):
    window = Window(500, 1000)
    axial = shown(volume.draw("axial", 3, SCAN, 0, window))
    coronal = shown(volume.draw("coronal", 1, SCAN, 0, window))
    sagittal = shown(volume.draw("sagittal", 6, SCAN, 0, window))

    def place(image):
        row, column = np.unravel_index(np.argmax(image[..., 0]), image.shape[:2])
        return row / image.shape[0], column / image.shape[1]

    assert place(axial)[0] < 0.5 < place(axial)[1]
    # The uppermost slice, the fourth, is on top.
    assert place(coronal)[0] < 0.3 and place(coronal)[1] > 0.7
    assert place(sagittal)[0] < 0.3 and place(sagittal)[1] < 0.4


def test_the_first_slices_show_the_mask(volume):
    assert volume.first == (3, 1, 6) and volume.planes == ("axial", "coronal", "sagittal")
    assert [volume.depth(plane) for plane in volume.planes] == [4, 6, 8]


def test_opacity_tints_only_the_mask(volume):
    window = Window(500, 1000)
    plain, tinted = (shown(volume.draw("axial", 3, MASK, opacity, window)) for opacity in (0, 1))
    assert (plain != tinted).any() and (plain[:, : plain.shape[1] // 2] == tinted[:, : plain.shape[1] // 2]).all()
    assert (shown(volume.draw("axial", 0, MASK, 1, window)) == 0).all()


def test_probability_is_a_layer_of_its_own(volume):
    picture = shown(volume.draw("axial", 3, PROBABILITY, 1, Window(500, 1000)))
    assert (picture.max(-1) != picture.min(-1)).any()


def test_the_window_says_what_is_black_and_white(volume):
    assert shown(volume.draw("axial", 3, SCAN, 0, Window(-500, 100))).min() == 255
    assert shown(volume.draw("axial", 3, SCAN, 0, Window(5000, 100))).max() == 0


def test_pixels_that_are_not_square_are_shown_in_their_shape():
    scan = read_scan(np.zeros((4, 6, 8), np.uint8))
    object.__setattr__(scan, "spacing", (10.0, 1.0, 1.0))
    view = View(ClassPrediction(Preprocessing((4, 6, 8)).windows(scan), Classification(("a", "b")), np.ones((1, 1))))
    height, width, _ = shown(view.draw("coronal", 0, SCAN, 0, view.window)).shape
    assert height / width == pytest.approx(40 / 8, rel=0.02)
    assert not view.layers and view.window == Window(127.5, 255.0)


def test_small_pictures_are_enlarged_and_large_ones_reduced():
    for side, expected in ((16, 384), (3000, 1024)):
        view = mask_view(np.zeros((side, side // 2), np.uint8), np.zeros((1, 8, 8, 1), np.float32))
        assert shown(view.draw("axial", 0, MASK, 1, view.window)).shape == (expected, expected // 2, 3)


def test_colours_stay_and_of_other_channels_the_first_is_shown():
    array = np.zeros((8, 8, 3), np.uint8)
    array[..., 1] = 200
    scan = read_scan(array)
    for kind, expected in (("raster", [0, 200, 0]), ("array", [0, 0, 0])):
        object.__setattr__(scan, "kind", kind)
        windows = Preprocessing((8, 8), channels=3).windows(scan)
        view = View(ClassPrediction(windows, Classification(("a", "b")), np.ones((1, 1))))
        assert shown(view.draw("axial", 0, SCAN, 0, view.window))[0, 0].tolist() == expected


def test_a_constant_scan_is_shown():
    view = mask_view(np.full((4, 4, 4), 7.5), np.zeros((1, 4, 4, 4, 1), np.float32))
    assert view.window.width > 0 and shown(view.draw("axial", 0, SCAN, 0, view.window)).shape[-1] == 3
