"""Surface distances against a search over all pairs of surface pixels."""

import nibabel
import numpy as np
import pytest

from medzoo.evaluation.distances import assd, hd95, measure, surface_distances
from medzoo.io import read_scan


def blob(shape, seed):
    """A random mask in which many pixels touch."""
    return np.random.default_rng(seed).random(shape) < 0.4


def surface_by_hand(mask):
    """The pixels with a side at the background or at the edge of the image."""
    padded = np.pad(mask, 1)
    sides = [step * axis for axis in np.eye(mask.ndim, dtype=int) for step in (-1, 1)]
    places = np.argwhere(padded)
    inner = [all(padded[tuple(place + side)] for side in sides) for place in places]
    return places[~np.array(inner)].astype(float)


def distances_by_hand(true, predicted, spacing):
    first, second = (surface_by_hand(mask) * spacing for mask in (true, predicted))
    apart = np.sqrt(((first[:, None] - second[None]) ** 2).sum(-1))
    return apart.min(1), apart.min(0)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((8, 8), (1.0, 1.0)), ((7, 6), (0.5, 2.0)), ((4, 5, 6), (3.0, 0.7, 0.9))]
)
def test_distances_are_those_of_all_pairs(shape, spacing):
    true, predicted = blob(shape, 0), blob(shape, 1)
    found = surface_distances(true, predicted, spacing)
    expected = distances_by_hand(true, predicted, spacing)
    assert all(np.allclose(sorted(a), sorted(b)) for a, b in zip(found, expected, strict=True))
    assert hd95(found) == pytest.approx(max(np.percentile(values, 95) for values in expected))
    assert assd(found) == pytest.approx(np.concatenate(expected).mean())


def test_pixels_inside_are_no_surface():
    filled = np.zeros((8, 8), bool)
    filled[2:7, 2:7] = True
    assert len(surface_distances(filled, filled)[0]) == 16


def test_structure_at_the_edge_of_the_image_has_a_surface_there():
    assert len(surface_distances(np.ones((3, 3), bool), np.ones((3, 3), bool))[0]) == 8


def test_equal_masks_have_no_distance():
    found = surface_distances(blob((6, 6), 3), blob((6, 6), 3))
    assert hd95(found) == assd(found) == 0


def test_distance_is_measured_in_mm_along_each_axis():
    true, predicted = np.zeros((2, 3, 3, 3), bool)
    true[0, 0, 0] = predicted[2, 0, 0] = True
    assert hd95(surface_distances(true, predicted, (5.0, 1.0, 1.0))) == 10


@pytest.mark.parametrize(("true", "predicted"), [(0, 1), (1, 0), (0, 0)])
def test_empty_mask_has_no_distance(true, predicted):
    found = surface_distances(np.full((4, 4), true, bool), np.full((4, 4), predicted, bool))
    assert np.isnan(hd95(found))
    assert np.isnan(assd(found))


def test_one_direction_alone_does_not_decide():
    true, predicted = np.zeros((2, 1, 12), bool)
    true[0, 0] = predicted[0, 0] = predicted[0, 11] = True
    found = surface_distances(true, predicted)
    assert hd95(found) == hd95(found[::-1]) > 10


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, 1.0, 1.0)])
def test_spacing_that_does_not_fit_is_refused(spacing):
    with pytest.raises(ValueError, match="one number above 0 for every axis"):
        surface_distances(np.ones((2, 2), bool), np.ones((2, 2), bool), spacing)


@pytest.mark.parametrize("turned", [np.eye(3), np.array([[0, 0, -1.0], [1, 0, 0], [0, 1, 0]])])
def test_distances_of_a_tilted_series_are_those_in_the_patient(turned, tmp_path):
    affine = np.eye(4)
    # Voxels of 0.8 x 1.1 x 4 mm, sheared by a gantry that is tilted by 30 degrees.
    affine[:3, :3] = turned @ np.array([[0.8, 0, 0], [0, 1.1, 4 * np.sin(np.pi / 6)], [0, 0, 4 * np.cos(np.pi / 6)]])
    stored = np.zeros((2, 9, 8, 7), np.uint8)
    stored[0, 2, 3, 1] = stored[1, 6, 1, 5] = 1
    scans = []
    for number, mask in enumerate(stored):
        nibabel.Nifti1Image(mask, affine).to_filename(tmp_path / f"{number}.nii.gz")
        scans.append(read_scan(tmp_path / f"{number}.nii.gz"))
    true, predicted = (scan.array[..., 0] for scan in scans)
    places = [affine[:3, :3] @ np.argwhere(mask)[0] for mask in stored]
    found = measure(true, predicted, ("background", "tumor"), scans[0].steps)
    assert found["assd_mm/tumor"] == pytest.approx(np.linalg.norm(places[0] - places[1]))
    true[:] = predicted
    true[tuple(np.argwhere(true)[0])] = 0
    found = measure(true, predicted, ("background", "tumor"), scans[0].steps)
    assert found["volume_error_mm3/tumor"] == pytest.approx(0.8 * 1.1 * 4 * np.cos(np.pi / 6))
    signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [1, -1, -1]])
    diagonals = signs * stored.shape[1:] @ affine[:3, :3].T
    assert found["hd95_penalized_mm/tumor"] == pytest.approx(np.linalg.norm(diagonals, axis=1).max())
