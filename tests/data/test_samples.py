from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from medzoo.data import Samples


@dataclass(frozen=True)
class Box:
    label: int = 1

    def mask(self, size=None):
        return np.full(size or (4, 4), self.label, np.uint8)


def make_samples(patients, splits=None, boxes=None):
    count = len(patients)
    return Samples(
        images=tuple(f"{number}.png" for number in range(count)),
        targets=tuple(boxes or [Box()] * count),
        patients=tuple(patients),
        splits=tuple(splits or [""] * count),
        labels=("background", "tumor"),
    )


def test_an_int_gives_the_row():
    assert make_samples("abc")[1] == ("1.png", Box(), "b", "", None)


def test_a_negative_int_counts_from_the_end():
    assert make_samples("abc")[-1].image == "2.png"


def test_an_index_past_the_end_is_an_error():
    with pytest.raises(IndexError):
        make_samples("abc")[3]


@pytest.mark.parametrize("index", [slice(1, None), [1, 2], (1, 2), np.array([False, True, True])], ids=str)
def test_several_rows_are_samples(index):
    samples = make_samples("abc")
    if isinstance(index, tuple):
        index = list(index)
    assert samples[index].images == ("1.png", "2.png")
    assert samples[index].labels == samples.labels


def test_no_rows_are_empty_samples():
    assert len(make_samples("abc")[[]]) == 0


def test_a_row_may_be_taken_twice():
    assert make_samples("abc")[[0, 0]].patients == ("a", "a")


def test_iteration_goes_over_the_rows():
    assert [row.patient for row in make_samples("abc")] == ["a", "b", "c"]


def test_columns_of_different_length_are_an_error():
    with pytest.raises(ValueError, match="one length"):
        replace(make_samples("abc"), patients=("a",))


def test_an_unknown_split_name_shows_the_near_match():
    with pytest.raises(ValueError, match="'train'"):
        make_samples("a", ["training"])


def test_a_patient_in_two_splits_is_an_error():
    with pytest.raises(ValueError, match="1 patients are in more than one part: 'a' in train and valid"):
        make_samples("aab", ["train", "valid", "train"])


def test_part_takes_the_rows_of_the_split():
    samples = make_samples("abc", ["train", "valid", "train"])
    assert samples.part("train").patients == ("a", "c")


@pytest.mark.parametrize("split", ["test", "", "validation"])
def test_a_part_without_rows_is_an_error(split):
    with pytest.raises(ValueError, match="Unknown split"):
        make_samples("ab", ["train", "valid"]).part(split)


def test_adding_keeps_the_order_of_rows():
    assert (make_samples("ab") + make_samples("c")).patients == ("a", "b", "c")


def test_adding_other_labels_is_an_error():
    with pytest.raises(ValueError, match="different labels"):
        make_samples("a") + replace(make_samples("b"), labels=("background", "edema"))


def test_adding_a_patient_of_another_split_is_an_error():
    with pytest.raises(ValueError, match="more than one part"):
        make_samples("a", ["train"]) + make_samples("a", ["valid"])


def test_repr_counts_the_splits():
    text = repr(make_samples("abc", ["train", "train", "test"]))
    assert text == "Samples(3 images: train 2, test 1; labels: background, tumor)"


def test_split_gives_train_and_valid_with_their_names():
    train, valid = make_samples([str(number) for number in range(10)]).split(valid=0.2)
    assert (set(train.splits), set(valid.splits)) == ({"train"}, {"valid"})
    assert (len(train), len(valid)) == (8, 2)


def test_split_with_test_gives_three_parts():
    parts = make_samples([str(number) for number in range(10)]).split(valid=0.2, test=0.1)
    assert [len(part) for part in parts] == [7, 2, 1]


def test_split_keeps_patients_together():
    train, valid = make_samples("abcdefghij" * 3).split(valid=0.2)
    assert not set(train.patients) & set(valid.patients)


def test_split_keeps_the_order_of_rows():
    train, _ = make_samples([str(number) for number in range(30)]).split()
    numbers = [int(patient) for patient in train.patients]
    assert numbers == sorted(numbers)


def test_split_spreads_the_labels_of_masks_evenly():
    boxes = [Box(number % 2) for number in range(40)]
    _, valid = make_samples([str(number) for number in range(40)], boxes=boxes).split(valid=0.2)
    assert sum(target.label for target in valid.targets) == len(valid) / 2


def test_the_same_seed_gives_the_same_split():
    samples = make_samples([str(number) for number in range(30)])
    assert samples.split(seed=1) == samples.split(seed=1)


def test_another_seed_gives_another_split():
    samples = make_samples([str(number) for number in range(30)])
    assert samples.split(seed=1) != samples.split(seed=2)


def test_splitting_rows_of_several_splits_is_an_error():
    with pytest.raises(ValueError, match=r"part\('train'\)"):
        make_samples("ab", ["train", "test"]).split()
