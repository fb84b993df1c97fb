from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from medzoo.data import check_no_leak
from medzoo.data.splits import grouped_folds, split_rows


def patients(count, images=1):
    return [f"patient {number // images}" for number in range(count * images)]


def test_folds_keep_patients_together():
    names = patients(12, images=3)
    folds = grouped_folds(names, [0] * len(names), 4)
    assert all(len(set(folds[row : row + 3])) == 1 for row in range(0, 36, 3))


def test_folds_hold_the_same_mix_of_strata():
    folds = grouped_folds(patients(40), [number % 2 for number in range(40)], 4)
    assert [sum(row % 2 for row in np.flatnonzero(folds == fold)) for fold in range(4)] == [5, 5, 5, 5]


def test_strata_too_rare_for_the_folds_are_put_together(recwarn):
    folds = grouped_folds(patients(6), list("abcdef"), 3)
    assert sorted(folds) == [0, 0, 1, 1, 2, 2]
    assert not recwarn.list


def test_more_folds_than_patients_are_an_error():
    with pytest.raises(ValueError, match="number of patients, 3; got 4"):
        grouped_folds(patients(3), [0] * 3, 4)


@pytest.mark.parametrize("seed", range(20))
def test_no_part_of_a_small_uneven_set_is_empty(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 8))
    names = [f"patient {number}" for number in [*range(count), *[0] * 20, *rng.integers(0, count, 10)]]
    parts = split_rows(names, rng.integers(0, 4, len(names)).tolist(), {"valid": 0.2, "test": 0.1}, seed)
    assert list(parts) == ["train", "valid", "test"]
    assert all(len(rows) for rows in parts.values())
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(names)))


def test_two_patients_make_two_parts():
    parts = split_rows(patients(2), [0, 0], {"valid": 0.01}, 0)
    assert [len(rows) for rows in parts.values()] == [1, 1]


def test_a_patient_with_most_images_goes_to_train():
    names = ["large"] * 50 + patients(10)
    parts = split_rows(names, [0] * 60, {"valid": 0.2}, 0)
    assert 0 in parts["train"]


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.15, 0.25, 1 / 3, 0.5, 0.8])
def test_the_size_of_a_part_is_the_fraction_to_within_a_fold(fraction):
    parts = split_rows(patients(200), [0] * 200, {"valid": fraction}, 0)
    assert abs(len(parts["valid"]) - 200 * fraction) <= 10


def test_fewer_patients_than_parts_are_an_error():
    with pytest.raises(ValueError, match="3 parts need at least 3 patients; got 2 in 8 images"):
        split_rows(patients(2, images=4), [0] * 8, {"valid": 0.2, "test": 0.1})


@pytest.mark.parametrize("fractions", [(0, 0), (0.5, 0.5), (-0.1, 0.2), (float("nan"), 0), (1.2, 0)], ids=str)
def test_fractions_out_of_range_are_an_error(fractions):
    with pytest.raises(ValueError, match="below 1"):
        split_rows(patients(9), [0] * 9, dict(zip(["valid", "test"], fractions, strict=True)))


def test_a_leak_names_the_patients_and_the_parts():
    first, second = SimpleNamespace(patients=("a", "b")), SimpleNamespace(patients=("b", "b", "c"))
    with pytest.raises(ValueError, match="'b' in part 1 and part 2"):
        check_no_leak(first, second)


def test_parts_without_a_shared_patient_pass():
    assert check_no_leak(SimpleNamespace(patients=("a", "a")), SimpleNamespace(patients=("b",))) is None
