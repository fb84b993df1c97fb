"""Which slices of a volume a 2D network sees as its channels."""

import json

import pytest

from medzoo.preprocessing.stack import Stack


def test_stack_survives_json():
    stack = Stack(center=0.25, border="reflect", average=3)
    assert Stack.from_json(json.loads(json.dumps(stack.to_json()))) == stack


@pytest.mark.parametrize(("depth", "middle"), [(1, 0), (6, 3), (7, 3)])
def test_middle_is_half_of_the_depth(depth, middle):
    assert Stack().centers(depth) == [middle]


@pytest.mark.parametrize(("center", "chosen"), [(0.0, 0), (0.5, 4), (1.0, 8), (2, 2), (-1, 8)])
def test_center_is_a_fraction_or_an_index(center, chosen):
    assert Stack(center=center).centers(9) == [chosen]


def test_a_slice_of_the_samples_goes_before_the_rule():
    assert Stack(center=2).centers(9, slice=5) == [5]


def test_averaged_stacks_lie_around_the_center_and_inside_the_volume():
    assert Stack(average=3).centers(9) == [3, 4, 5]
    assert Stack(center=0, average=5).centers(9) == [0, 1, 2]


def test_slices_beyond_the_ends_are_repeated_or_reflected():
    assert Stack().neighbours(5, 0, 5).tolist() == [0, 0, 0, 1, 2]
    assert Stack(border="reflect").neighbours(5, 4, 5).tolist() == [2, 3, 4, 3, 2]
    assert Stack(border="reflect").neighbours(5, 0, 3, margin=2).tolist() == [3, 2, 1, 0, 1, 2, 3]


def test_margin_takes_more_slices_at_both_ends():
    assert Stack().neighbours(9, 4, 3, margin=2).tolist() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("depth", [1, 2])
def test_fewer_slices_than_the_stack_are_an_error(depth):
    with pytest.raises(ValueError, match=f"{depth} slices are fewer than the 3 adjacent ones"):
        Stack().neighbours(depth, 0, 3)


def test_an_index_outside_the_volume_is_an_error():
    with pytest.raises(ValueError, match="slice 9 was asked for of 9 slices, 0 to 8"):
        Stack(center=9).centers(9)


@pytest.mark.parametrize("center", ["centre", 1.5, True, None])
def test_a_wrong_center_is_an_error(center):
    with pytest.raises(ValueError, match="`center` must be 'middle', a fraction"):
        Stack(center=center)


@pytest.mark.parametrize("average", [0, 2, 1.5])
def test_average_must_be_odd(average):
    with pytest.raises(ValueError, match="`average` must be an odd number"):
        Stack(average=average)


def test_unknown_border_names_the_near_one():
    with pytest.raises(ValueError, match="Unknown border 'reflected'. Did you mean 'reflect'"):
        Stack(border="reflected")
