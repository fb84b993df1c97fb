from __future__ import annotations

import pickle

import cv2
import numpy as np
import pytest

from medzoo.data import from_coco
from medzoo.data.sources.coco_annotations import polygon_mask, rle_counts, rle_mask
from tests.data.coco_files import SQUARE, annotation, box, image, write_coco


def read_mask(folder, annotations, size=None, **more):
    return from_coco(write_coco(folder, annotations, **more))[0].target.mask(size)


def iou(first, second):
    return np.logical_and(first, second).sum() / max(np.logical_or(first, second).sum(), 1)


def random_polygon(rng, kind):
    if kind == "crossing":
        return rng.uniform(-20, 84, (rng.integers(3, 8), 2))
    angles = np.sort(rng.random(rng.integers(3, 30))) * 2 * np.pi
    radii = (0.3 + rng.random(len(angles))) * rng.uniform(2, 30)
    return rng.uniform(0, 64, 2) + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


@pytest.mark.parametrize("kind", ["star", "crossing"])
def test_random_polygons_equal_pycocotools(kind):
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for _ in range(100):
        points = random_polygon(rng, kind)
        expected = coco.decode(coco.frPyObjects([points.ravel().tolist()], 64, 48))[..., 0]
        np.testing.assert_array_equal(polygon_mask(points, (64, 48)), expected)


@pytest.mark.parametrize("density", [0.0, 0.02, 0.5, 1.0])
def test_compressed_rle_equals_pycocotools(density):
    coco = pytest.importorskip("pycocotools.mask")
    mask = np.asfortranarray(np.random.default_rng(0).random((300, 200)) < density, dtype=np.uint8)
    counts = coco.encode(mask)["counts"].decode()
    np.testing.assert_array_equal(rle_mask(rle_counts(counts), mask.shape), mask)


def test_a_rectangle_is_exact_to_the_pixel(tmp_path):
    expected = np.zeros((8, 8), np.uint8)
    expected[1:7, 2:5] = 1
    np.testing.assert_array_equal(read_mask(tmp_path, [annotation([box(2, 1, 5, 7)])]), expected)


def test_a_closed_rectangle_turned_the_other_way_is_the_same(tmp_path):
    turned = [6, 2, 2, 2, 2, 6, 6, 6, 6, 2]
    expected = read_mask(tmp_path, [annotation([SQUARE])])
    np.testing.assert_array_equal(read_mask(tmp_path, [annotation([turned])]), expected)


def test_the_polygons_of_an_object_are_united(tmp_path):
    mask = read_mask(tmp_path, [annotation([box(0, 0, 4, 4), box(2, 2, 6, 6)])])
    assert mask[3, 3] == 1
    assert mask.sum() == 16 + 16 - 4


def test_a_polygon_is_clipped_at_the_border(tmp_path):
    assert read_mask(tmp_path, [annotation([box(-5, -5, 20, 3)])]).sum() == 3 * 8


def test_a_polygon_outside_the_image_leaves_the_mask_empty(tmp_path):
    assert not read_mask(tmp_path, [annotation([box(20, 20, 30, 30)])]).any()


def test_uncompressed_rle_runs_down_the_columns_with_holes(tmp_path):
    rle = {"size": [3, 2], "counts": [1, 1, 1, 2, 1]}
    mask = read_mask(tmp_path, [annotation(rle, iscrowd=1)], images=[image(height=3, width=2)])
    np.testing.assert_array_equal(mask, [[0, 1], [1, 1], [0, 0]])


def test_rle_that_starts_with_the_object_has_an_empty_first_run(tmp_path):
    rle = {"size": [2, 2], "counts": [0, 4]}
    assert read_mask(tmp_path, [annotation(rle)], images=[image(height=2, width=2)]).all()


def test_rle_at_another_size_takes_the_nearest_pixel(tmp_path):
    rle = {"size": [8, 8], "counts": [32, 32]}
    np.testing.assert_array_equal(read_mask(tmp_path, [annotation(rle)], size=(2, 4)), [[0, 0, 1, 1]] * 2)


def test_polygons_at_another_size_keep_the_shape(tmp_path):
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([250 + 120 * np.cos(angles), 200 + 70 * np.sin(angles)], axis=1).ravel().tolist()
    target = from_coco(write_coco(tmp_path, [annotation([circle])], [image(height=400, width=512)]))[0].target
    shrunk = cv2.resize(target.mask().astype(np.float32), (160, 160), interpolation=cv2.INTER_AREA) >= 0.5
    assert target.mask((160, 160)).shape == (160, 160)
    assert iou(target.mask((160, 160)), shrunk) > 0.98


def test_an_image_without_annotation_has_an_empty_mask(tmp_path):
    mask = read_mask(tmp_path, [], images=[image(height=3, width=5)])
    assert mask.shape == (3, 5)
    assert mask.dtype == np.uint8
    assert not mask.any()


@pytest.mark.parametrize("reverse", [False, True])
def test_a_small_object_inside_a_large_one_stays_visible(tmp_path, reverse):
    shapes = [annotation([box(0, 0, 8, 8)]), annotation([SQUARE], key=11, category_id=2)]
    mask = read_mask(tmp_path, shapes[::-1] if reverse else shapes, categories=("head", "tumor"))
    assert (mask[4, 4], mask[0, 0]) == (2, 1)


def test_of_equal_objects_the_later_lies_on_top(tmp_path):
    shapes = [annotation([SQUARE], category_id=2), annotation([SQUARE], key=11)]
    assert read_mask(tmp_path, shapes, categories=("head", "tumor"))[4, 4] == 1


def test_a_target_survives_pickling(tmp_path):
    target = from_coco(write_coco(tmp_path, [annotation([SQUARE])]))[0].target
    assert pickle.loads(pickle.dumps(target)) == target


def test_a_figure_of_eight_is_accepted(tmp_path):
    assert read_mask(tmp_path, [annotation([[0, 0, 8, 8, 8, 0, 0, 8]])]).any()
