"""Models without Keras, and data sets of pictures of 8 x 8 pixels."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest

from medzoo.data import Samples
from medzoo.preprocessing import Preprocessing
from medzoo.task import Classification, Regression, Segmentation

GRADES = ("none", "mild", "severe")


class ArrayTarget:
    """A target that is an array of label indices."""

    def __init__(self, array):
        self.array = np.asarray(array, np.uint8)
        self.shape = self.array.shape

    def mask(self, size):
        return self.array


@dataclass
class FakeRecipe:
    """The part of a recipe that evaluation looks at."""

    task: Any
    name: str = "fake"
    split: dict = field(default_factory=lambda: {"valid": 0.25})
    seed: int = 3


class FakeModel:
    """A model whose network is a function of a batch of inputs."""

    def __init__(self, task, network, name="fake"):
        self.recipe = FakeRecipe(task, name)
        self.preprocessing = Preprocessing(size=(8, 8))
        self.predict_on_batch = network
        self.evaluation = None

    @property
    def task(self):
        return self.recipe.task

    @task.setter
    def task(self, task):
        self.recipe = FakeRecipe(task, self.recipe.name)


@pytest.fixture
def model():
    """A segmentation model whose probability is the brightness of the pixel."""
    return FakeModel(Segmentation(labels=("background", "tumor")), lambda images: images)


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


@pytest.fixture
def make_pictures(tmp_path):
    """A function that writes pictures of one brightness each, of 0 to 1, with the given targets."""

    def make(levels, targets, labels, patients=None, split=""):
        paths = tuple(str(tmp_path / f"case_{index}.png") for index in range(len(levels)))
        for path, level in zip(paths, levels, strict=True):
            picture = np.full((8, 8), round(255 * level), np.uint8)
            picture[0, :2] = 0, 255
            cv2.imwrite(path, picture)
        return Samples(paths, tuple(targets), patients or paths, (split,) * len(paths), labels)

    return make


def brightness(images):
    return images[:, 4, 4, :1]


@pytest.fixture
def binary_model():
    """A classifier whose probability of "ill" is the brightness of the picture."""
    return FakeModel(Classification(("well", "ill")), brightness, "binary")


@pytest.fixture
def grade_model():
    """A classifier of three labels: the darkest third is "none", the brightest "severe"."""

    def network(images):
        logits = -16 * np.abs(brightness(images) - np.array([0, 0.5, 1]))
        powers = np.exp(logits)
        return powers / powers.sum(axis=1, keepdims=True)

    return FakeModel(Classification(GRADES), network, "grades")


@pytest.fixture
def value_model():
    """A regression whose answer is a hundred times the brightness."""
    return FakeModel(Regression("density", unit="mg/ml", mean=0.0, std=100.0), brightness, "density")


@pytest.fixture
def binary_samples(make_pictures):
    """Eight patients; one well one looks ill and one ill one looks well."""
    levels = (0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9)
    return make_pictures(levels, (0, 0, 0, 0, 1, 1, 1, 1), ("well", "ill"), tuple("abcdefgh"), split="test")


@pytest.fixture
def grade_samples(make_pictures):
    """Six patients, of which one mild case looks severe."""
    return make_pictures((0.0, 0.1, 0.5, 0.9, 0.9, 1.0), (0, 0, 1, 1, 2, 2), GRADES, tuple("abcdef"))


@pytest.fixture
def value_samples(make_pictures):
    """Four patients with errors of 0, 2, -2 and 4 in the unit, but for the rounding of a picture."""
    levels, errors = np.array([51, 102, 153, 204]) / 255, np.array([0, 2, -2, 4])
    return make_pictures(levels, tuple(float(value) for value in 100 * levels - errors), ("density",), tuple("abcd"))


@pytest.fixture
def make_model_of():
    """A function that makes a model of a task and of the function that its network is; inputs are grey values."""

    def make(task, network):
        made = FakeModel(task, network)
        made.preprocessing = Preprocessing(size=(8, 8), normalization=None)
        return made

    return make


@pytest.fixture
def write_grey(tmp_path):
    """A function that writes pictures that have one grey value where the true mask has any label."""

    def write(values, true, labels):
        paths = tuple(str(tmp_path / f"grey_{index}.png") for index in range(len(values)))
        for path, value, mask in zip(paths, values, true, strict=True):
            cv2.imwrite(path, (mask > 0).astype(np.uint8) * value)
        return Samples(paths, tuple(map(ArrayTarget, true)), paths, ("",) * len(paths), labels)

    return write
