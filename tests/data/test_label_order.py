"""The same labels in another order are mapped by name."""

import numpy as np
import pytest

from medzoo.data import from_arrays, read
from medzoo.data.samples import Samples, check_task
from medzoo.task import Classification, Segmentation
from tests.data.coco_files import SQUARE, annotation, image, write_coco

IMAGES = np.zeros((2, 4, 4))
MASK = np.array([[0, 1, 2, 2]] * 4, np.uint8)


def test_classes_follow_their_names():
    samples = from_arrays(IMAGES, ["a", "b"], labels=["a", "b"])
    ordered = check_task(samples, Classification(("b", "a")))
    assert (ordered.labels, ordered.targets) == (("b", "a"), (1, 0))


def test_masks_follow_their_names():
    samples = from_arrays(IMAGES, [MASK, MASK], labels=("background", "edema", "core"))
    ordered = check_task(samples, Segmentation(("background", "core", "edema")))
    target = ordered.targets[0]
    assert target.mask().tolist() == [[0, 2, 1, 1]] * 4
    assert target.shape == (4, 4)
    assert target.labels == (0, 1, 2)


def test_pixels_to_ignore_stay():
    class Mask:
        shape = (2, 2)

        def mask(self, size):
            return np.array([[255, 1], [2, 0]], np.uint8)

    samples = Samples(("x",), (Mask(),), ("x",), ("",), ("background", "a", "b"))
    assert samples.in_order(("background", "b", "a")).targets[0].mask().tolist() == [[255, 2], [1, 0]]


def test_parts_are_joined_by_name():
    first = from_arrays(IMAGES, ["a", "b"], labels=["a", "b"], patients=["1", "2"])
    second = from_arrays(IMAGES, ["a", "b"], labels=["b", "a"], patients=["3", "4"])
    assert (first + second).targets == (0, 1, 0, 1)


@pytest.mark.parametrize("labels", [("a", "c"), ("a", "b", "c"), ("A", "b")])
def test_other_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels"):
        check_task(from_arrays(IMAGES, ["a", "b"]), Classification(labels))


def test_the_background_stays_first():
    samples = from_arrays(IMAGES, [MASK, MASK], labels=("background", "edema", "core"))
    assert samples.in_order(("core", "background", "edema")) is samples


def test_coco_parts_with_categories_in_another_order_are_joined(tmp_path):
    for split, categories, number in (("train", ("a", "b"), 1), ("valid", ("b", "a"), 2)):
        shapes = [annotation([SQUARE], category_id=number)]
        write_coco(tmp_path / split, shapes, [image(1, f"{split}.png")], categories, "_annotations.coco.json")
    samples = read(tmp_path)
    assert samples.labels == ("background", "a", "b")
    assert [target.mask().max() for target in samples.targets] == [1, 1]
