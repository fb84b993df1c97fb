"""What is done to a mask after the network."""

import numpy as np
import pytest

from medzoo.task import Segmentation, task_from_json
from medzoo.task.refinement import Refinement


def pieces():
    """Return a mask with a ring of 8 pixels, a piece of 3 and one of 1, and another label inside nothing."""
    mask = np.zeros((8, 8), np.uint8)
    mask[0:3, 0:3] = 1
    mask[1, 1] = 0
    mask[5, 5:8] = 1
    mask[7, 0] = 1
    mask[7, 4] = 2
    return mask


@pytest.mark.parametrize(
    ("steps", "count"),
    [
        ({}, 12),
        ({"fill_holes": True}, 13),
        ({"min_pixels": 2}, 11),
        ({"min_pixels": 4}, 8),
        ({"largest": True}, 8),
        ({"largest": True, "fill_holes": True}, 9),
        ({"min_pixels": 100}, 0),
    ],
)
def test_each_step_changes_its_label_only(steps, count):
    changed = Refinement(**steps)(pieces(), 1)
    assert np.count_nonzero(changed == 1) == count and np.count_nonzero(changed == 2) == 1


def test_sizes_in_mm_take_the_size_of_a_pixel_and_need_one():
    assert np.count_nonzero(Refinement(min_size_mm=8)(pieces(), 1, pixel_size=4.0) == 1) == 11
    assert np.count_nonzero(Refinement(min_size_mm=8)(pieces(), 1) == 1) == 12


def test_pieces_that_touch_by_a_corner_are_one_also_in_volumes():
    mask = np.zeros((3, 3, 3), np.uint8)
    mask[0, 0, 0] = mask[1, 1, 1] = mask[2, 2, 2] = 1
    assert Refinement(min_pixels=3)(mask, 1).sum() == 3 and Refinement(min_pixels=4)(mask, 1).sum() == 0


def test_holes_that_hold_another_label_keep_it():
    mask = np.ones((5, 5), np.uint8)
    mask[2, 2], mask[1, 1] = 2, 0
    changed = Refinement(fill_holes=True)(mask, 1)
    assert changed[2, 2] == 2 and changed[1, 1] == 1


def test_an_empty_mask_stays_empty_and_the_mask_that_came_is_not_changed():
    assert not Refinement(largest=True, fill_holes=True, min_pixels=3)(np.zeros((4, 4), np.uint8), 1).any()
    mask = pieces()
    Refinement(largest=True)(mask, 1)
    assert (mask == pieces()).all()


def test_a_task_keeps_its_steps_and_one_without_says_nothing_of_them():
    task = Segmentation(("background", "tumor", "edema"), postprocess={"tumor": {"largest": True, "min_pixels": 5}})
    assert task.to_json()["postprocess"] == {"tumor": {"largest": True, "min_pixels": 5}}
    assert task_from_json(task.to_json()) == task and hash(task)
    assert "postprocess" not in Segmentation(("background", "tumor")).to_json()


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ({"tumr": {"largest": True}}, "Did you mean 'tumor'"),
        ({"background": {"largest": True}}, "Unknown label of the postprocessing 'background'"),
        ({"tumor": {"bigest": True}}, "Unknown step of the postprocessing 'bigest'"),
        ({"tumor": {"min_pixels": 0}}, "`min_pixels` must be a number above 0"),
        ({"tumor": {"min_pixels": 2.5}}, "min_pixels=2.5"),
        ({"tumor": {"min_size_mm": "3"}}, "min_size_mm='3'"),
        ({"tumor": {"largest": 1}}, "must be true or false"),
        ({"tumor": True}, "must have the steps of each label"),
    ],
)
def test_wrong_steps_are_refused(steps, text):
    with pytest.raises(ValueError, match=text):
        Segmentation(("background", "tumor"), postprocess=steps)
