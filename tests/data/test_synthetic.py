from __future__ import annotations

import numpy as np
import pytest

from medzoo.data import from_coco
from medzoo.data.sources.folders import from_folders
from medzoo.data.sources.tables import from_table
from medzoo.data.sources.volumes import from_volumes
from medzoo.data.synthetic import CATEGORY, make_coco, make_folders, make_scan, make_volume, make_volumes
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


def test_a_healthy_scan_differs_from_one_with_a_lesion_only_around_the_lesion():
    image, (left, top, width, height) = make_scan(3, 64)
    healthy, _ = make_scan(3, 64, lesion=False)
    changed = np.abs(image.astype(int) - healthy) > 0
    # The blur reaches a few pixels further.
    around = np.zeros_like(changed)
    around[max(0, top - 4) : top + height + 4, max(0, left - 4) : left + width + 4] = True
    assert changed.any()
    assert not (changed & ~around).any()


def test_class_folders_are_read_as_classes(tmp_path):
    samples = from_folders(make_folders(tmp_path / "pictures", 3, size=32))
    assert samples.labels == ("healthy", "lesion")
    assert samples.targets == (0, 0, 0, 1, 1, 1)


def test_volumes_are_read_with_masks_and_with_the_numbers_of_the_table(tmp_path):
    table = make_volumes(tmp_path / "volumes", 4, seed=2, depth=6, size=24)
    samples = from_volumes(tmp_path / "volumes", labels=("background", "lesion"))
    image, mask = make_volume(3, 6, 24)
    assert np.array_equal(read_scan(samples[1].image).array[..., 0], image)
    assert np.array_equal(samples[1].target.mask(None), mask)
    numbers = from_table(table, target="volume_ml")
    assert numbers.targets[1] == pytest.approx(2 * mask.sum() / 1000, abs=1e-3)
    assert numbers.patients == ("patient0", "patient0", "patient1", "patient1")
    assert sorted(from_table(table, label="size").targets) == [0, 0, 1, 1]
