from __future__ import annotations

import numpy as np
import pytest

from medzoo.data import from_coco
from medzoo.data.synthetic import CATEGORY, make_coco, make_scan
from medzoo.io import read_scan


def test_the_same_seed_draws_the_same_scan():
    (first, first_box), (second, second_box) = make_scan(3, 64), make_scan(3, 64)
    assert np.array_equal(first, second)
    assert first_box == second_box


def test_another_seed_draws_another_scan():
    assert not np.array_equal(make_scan(3, 64)[0], make_scan(4, 64)[0])


@pytest.mark.parametrize("seed", range(8))
def test_the_lesion_is_brighter_than_the_rest_and_inside_the_picture(seed):
    image, (left, top, width, height) = make_scan(seed, 64)
    inside = image[top : top + height, left : left + width]
    assert left >= 0
    assert top >= 0
    assert inside.shape == (height, width)
    assert inside.mean() > 2 * image.mean()


def test_a_data_set_of_scans_is_read_with_a_box_for_each_lesion(tmp_path):
    samples = from_coco(make_coco(tmp_path, 3, seed=5, size=48))
    image, (left, top, width, height) = make_scan(6, 48)
    assert samples.labels == ("background", CATEGORY)
    assert np.array_equal(read_scan(samples[1].image).array[..., 0], image)
    mask = samples[1].target.mask()
    assert mask.sum() == width * height == mask[top : top + height, left : left + width].sum()


def test_the_suffix_chooses_the_format(tmp_path):
    make_coco(tmp_path, 1, size=32, suffix=".jpg")
    assert (tmp_path / "synthetic_0000.jpg").read_bytes().startswith(b"\xff\xd8\xff")
