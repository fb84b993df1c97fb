from __future__ import annotations

import cv2
import numpy as np
import pytest

from medzoo.data.sources.masks import ArrayTarget, PictureTarget
from medzoo.data.sources.volumes import VolumeTarget
from medzoo.io import read_scan
from medzoo.transforms.spatial import nearest
from tests.data.source_files import write_picture, write_volume

LABELS = ("background", "a", "b")
VALUES = np.arange(12, dtype=np.uint8).reshape(3, 4) % 3


def make_target(kind, folder, values=VALUES, labels=LABELS):
    """Make a target whose mask is `values`."""
    if kind == "picture":
        return PictureTarget(write_picture(folder / "m.png", values), labels)
    if kind == "array":
        return ArrayTarget(values, labels, "mask of array 0000")
    # A NIfTI file with the identity as affine is shown with its rows and columns turned.
    return VolumeTarget(write_volume(folder / "m.nii.gz", values[::-1, ::-1].T[..., None]), labels)


def expected(kind):
    return VALUES[None] if kind == "volume" else VALUES


every_kind = pytest.mark.parametrize("kind", ["picture", "array", "volume"])


@every_kind
def test_a_mask_holds_label_indices(tmp_path, kind):
    mask = make_target(kind, tmp_path).mask()
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, expected(kind))


@every_kind
def test_the_shape_is_that_of_the_mask(tmp_path, kind):
    assert make_target(kind, tmp_path).shape == expected(kind).shape


@every_kind
def test_a_mask_is_scaled_to_the_nearest_pixel(tmp_path, kind):
    size = tuple(2 * side for side in expected(kind).shape)
    mask = make_target(kind, tmp_path).mask(size)
    assert mask.shape == size
    np.testing.assert_array_equal(mask[tuple(slice(None, None, 2) for _ in size)], expected(kind))


@every_kind
def test_the_labels_in_a_mask_are_listed(tmp_path, kind):
    assert make_target(kind, tmp_path, np.full((3, 4), 2, np.uint8)).labels == (2,)


@every_kind
def test_a_value_without_name_names_file_and_value(tmp_path, kind):
    values = np.where(VALUES == 2, 7, VALUES).astype(np.uint8)
    with pytest.raises(ValueError, match="holds the values 7; expected 0 to 2"):
        make_target(kind, tmp_path, values).mask()


def test_a_volume_stands_in_display_order(tmp_path):
    path = write_volume(tmp_path / "m.nii.gz", (np.arange(24).reshape(2, 3, 4) % 3).astype(np.uint8))
    np.testing.assert_array_equal(VolumeTarget(path, LABELS).mask(), read_scan(path).array[..., 0])


@pytest.mark.parametrize("value", [0.5, -1, np.nan])
def test_values_that_are_no_index_are_an_error(value):
    with pytest.raises(ValueError, match="holds the values"):
        ArrayTarget(np.array([[0, value]]), LABELS, "m").mask()


def test_whole_floats_are_labels():
    np.testing.assert_array_equal(ArrayTarget(np.array([[0.0, 2.0]]), LABELS, "m").mask(), [[0, 2]])


def test_255_is_the_structure_of_two_labels(tmp_path):
    path = write_picture(tmp_path / "m.png", [[0, 255]])
    np.testing.assert_array_equal(PictureTarget(path).mask(), [[0, 1]])


def test_255_beside_an_index_is_an_error(tmp_path):
    path = write_picture(tmp_path / "m.png", [[0, 1, 255]])
    with pytest.raises(ValueError, match="holds the values 255"):
        PictureTarget(path).mask()


def test_the_index_of_a_palette_file_counts(tmp_path):
    from PIL import Image

    picture = Image.fromarray(VALUES).convert("P")
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 0, 200])
    picture.save(tmp_path / "m.png")
    np.testing.assert_array_equal(PictureTarget(str(tmp_path / "m.png"), LABELS).mask(), VALUES)


def test_a_grey_mask_in_three_channels_is_read(tmp_path):
    path = write_picture(tmp_path / "m.png", np.stack([VALUES] * 3, axis=-1))
    np.testing.assert_array_equal(PictureTarget(path, LABELS).mask(), VALUES)


def test_a_mask_in_colours_is_an_error(tmp_path):
    path = write_picture(tmp_path / "m.png", np.eye(3)[VALUES])
    with pytest.raises(ValueError, match="colours"):
        PictureTarget(path, LABELS).mask()


def test_a_damaged_mask_is_named(tmp_path):
    (tmp_path / "m.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="m.png is not a scan that medzoo can read"):
        PictureTarget(str(tmp_path / "m.png")).mask()


@pytest.mark.parametrize("size", [(8, 12), (12, 4)])
def test_the_nearest_pixel_is_that_of_opencv(size):
    mask = np.random.default_rng(0).integers(0, 9, (4, 6)).astype(np.uint8)
    np.testing.assert_array_equal(
        nearest(mask, size), cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    )
