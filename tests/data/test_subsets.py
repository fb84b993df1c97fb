from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from medzoo.data import Samples, folds, fraction, group
from medzoo.data.subsets import components


def make_samples(targets, patients=None, splits=None):
    count = len(targets)
    images = tuple(f"{number}.png" for number in range(count))
    return Samples(
        images=images,
        targets=tuple(targets),
        patients=images if patients is None else tuple(patients),
        splits=("",) * count if splits is None else tuple(splits),
        labels=("a", "b") if isinstance(targets[0], int) else ("value",),
    )


def alternating(count, **columns):
    return make_samples([number % 2 for number in range(count)], **columns)


def test_every_image_validates_one_fold():
    data = alternating(20)
    assert sorted(image for _, valid in folds(data, 5) for image in valid.images) == sorted(data.images)


def test_train_and_valid_of_a_fold_make_the_whole():
    for train, valid in folds(alternating(20), 5):
        assert (len(train), len(valid)) == (16, 4)
        assert not set(train.images) & set(valid.images)
        assert (set(train.splits), set(valid.splits)) == ({"train"}, {"valid"})


def test_folds_keep_patients_together():
    data = alternating(24, patients=[str(number // 2) for number in range(24)])
    for train, valid in folds(data, 3):
        assert not set(train.patients) & set(valid.patients)


def test_folds_have_the_same_mix_of_classes():
    assert all(Counter(valid.targets) == {0: 2, 1: 2} for _, valid in folds(alternating(20), 5))


def test_folds_have_the_same_range_of_values():
    data = make_samples([float(number) for number in range(50)])
    means = [np.mean(valid.targets) for _, valid in folds(data, 5)]
    assert max(means) - min(means) < 10


def test_the_held_out_part_is_that_of_all_folds():
    parts = folds(alternating(40), 4, holdout=0.2)
    assert {part[2].images for part in parts} == {parts[0][2].images}
    assert [len(part) for part in parts[0]] == [24, 8, 8]
    assert set(parts[0][2].splits) == {"test"}


def test_the_held_out_part_is_in_no_fold():
    for train, valid, test in folds(alternating(40), 4, holdout=0.2):
        assert not set(test.images) & {*train.images, *valid.images}


def test_the_same_seed_gives_the_same_folds():
    assert folds(alternating(20), 4, seed=1) == folds(alternating(20), 4, seed=1)
    assert folds(alternating(20), 4, seed=1) != folds(alternating(20), 4, seed=2)


@pytest.mark.parametrize("patients", [["p"] * 6, ["p", "q"] * 3], ids=["one patient in all folds", "two patients"])
def test_fewer_patients_than_folds_are_an_error(patients):
    with pytest.raises(ValueError, match=f"number of patients, {len(set(patients))}; got 3"):
        folds(alternating(6, patients=patients), 3)


def test_a_class_of_one_patient_is_missing_in_a_training_part():
    data = make_samples([0] * 8 + [1, 1], patients=[*"abcdefgh", "i", "i"])
    with pytest.raises(ValueError, match="classes without an image in train: b"):
        folds(data, 3)


def test_folds_of_rows_in_several_splits_are_an_error():
    with pytest.raises(ValueError, match=r"part\('train'\)"):
        folds(alternating(4, splits=["train", "train", "test", "test"]), 2)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 1])
def test_a_fraction_keeps_its_share_of_each_class(share):
    assert Counter(fraction(alternating(40), share).targets) == {0: 20 * share, 1: 20 * share}


def test_a_share_that_was_rounded_up_takes_no_more():
    assert len(fraction(alternating(20), 0.1 + 0.2)) == 6


def test_a_small_fraction_is_in_a_large_one():
    data = alternating(40)
    parts = [set(fraction(data, share, seed=3).images) for share in (0.1, 0.2, 0.3)]
    assert parts[0] < parts[1] < parts[2]


def test_a_fraction_keeps_patients_together():
    data = alternating(40, patients=[str(number // 4) for number in range(40)])
    assert set(Counter(fraction(data, 0.3).patients).values()) == {4}


def test_a_fraction_keeps_every_class():
    assert set(fraction(make_samples([0] * 50 + [1]), 0.02).targets) == {0, 1}


def test_a_fraction_keeps_all_that_is_not_for_training():
    data = alternating(40, splits=["train"] * 20 + ["valid"] * 10 + ["test"] * 10)
    assert Counter(fraction(data, 0.1).splits) == {"train": 2, "valid": 10, "test": 10}


def test_a_fraction_keeps_the_order_of_rows():
    numbers = [int(name[:-4]) for name in fraction(alternating(40), 0.5).images]
    assert numbers == sorted(numbers)


def test_another_seed_takes_other_rows():
    assert fraction(alternating(40), 0.2, seed=0) != fraction(alternating(40), 0.2, seed=1)


@pytest.mark.parametrize("share", [0, -0.1, 1.1, float("nan")])
def test_a_fraction_out_of_range_is_an_error(share):
    with pytest.raises(ValueError, match="`share` must lie above 0"):
        fraction(alternating(4), share)


def test_a_fraction_of_no_training_rows_is_an_error():
    with pytest.raises(ValueError, match="no training rows"):
        fraction(alternating(2, splits=["test", "test"]), 0.5)


def test_a_group_is_one_patient():
    data = group(alternating(5), [["1.png", "3.png"]])
    assert data.patients == ("0.png", "1.png", "2.png", "1.png", "4.png")


def test_patients_that_share_a_group_are_joined_through_others():
    data = alternating(6, patients=["p", "p", "q", "q", "r", "r"])
    assert group(data, [["1.png", "2.png"], ["3.png", "4.png"]]).patients == ("p",) * 6


def test_groups_of_other_images_are_passed_over():
    data = alternating(3)
    assert group(data, [["elsewhere.png", "1.png"], ["lost.png", "gone.png"]]) == data


def test_no_groups_change_nothing():
    assert group(alternating(3), []) == alternating(3)


def test_groups_of_none_of_the_images_are_an_error():
    with pytest.raises(ValueError, match="None of the images in `groups`"):
        group(alternating(3), [["elsewhere.png"]])


def test_a_group_in_two_splits_is_an_error():
    with pytest.raises(ValueError, match="in train and test"):
        group(alternating(2, splits=["train", "test"]), [["0.png", "1.png"]])


def test_components_join_through_others():
    assert components(6, [(0, 1), (1, 4), (2, 3)]) == [[0, 1, 4], [2, 3]]


def test_no_links_are_no_components():
    assert components(3, []) == []
