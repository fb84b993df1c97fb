"""A model without Keras and a data set of pictures of 8 x 8 pixels."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from medzoo.data import Samples
from medzoo.preprocessing import Preprocessing
from medzoo.task import Segmentation


class ArrayTarget:
    """A target that is an array of label indices."""

    def __init__(self, array):
        self.array = np.asarray(array, np.uint8)

    def mask(self, size):
        return self.array


@pytest.fixture
def model():
    """A model whose probability is the brightness of the pixel."""
    return SimpleNamespace(
        task=Segmentation(labels=("background", "tumor")),
        preprocessing=Preprocessing(size=(8, 8)),
        predict_on_batch=lambda images: images,
    )


@pytest.fixture
def make_samples(tmp_path):
    """A function that writes pictures that are bright where `predicted` is true, with `true` as their masks."""

    def make(predicted, true, patients=None, labels=("background", "tumor"), split=""):
        paths = tuple(str(tmp_path / f"case_{index}.png") for index in range(len(predicted)))
        for path, mask in zip(paths, predicted, strict=True):
            cv2.imwrite(path, np.asarray(mask, np.uint8) * 255)
        return Samples(paths, tuple(map(ArrayTarget, true)), patients or paths, (split,) * len(paths), labels)

    return make


@pytest.fixture
def samples(make_samples):
    """Three cases: one right, one half right, one empty with a false positive of 4 pixels; two patients."""
    square, half, corner, none = np.zeros((4, 8, 8), np.uint8)
    square[2:6, 2:6] = half[2:6, 2:4] = corner[:2, :2] = 1
    return make_samples([square, half, corner], [square, square, none], patients=("a", "a", "b"))
