"""A picture, a volume and what models without Keras say of them."""

import cv2
import nibabel
import numpy as np
import pytest

from medzoo.inference.scans import predict_scans
from medzoo.preprocessing import Preprocessing
from medzoo.recipe import Recipe
from medzoo.task import Classification, Regression, Segmentation


class Brightness:
    """A model whose network is a function of a batch of grey values from 0 to 1."""

    def __init__(self, task, network, size=(16, 16), **recipe):
        builder = {"name": "unet"} if task.is_dense else {"name": "classifier"}
        self.recipe = Recipe("bright", task, Preprocessing(size), builder, **recipe)
        self.task, self.preprocessing = task, self.recipe.preprocessing
        self.predict_on_batch = network


@pytest.fixture
def picture(tmp_path):
    """A dark picture of 16 x 16 pixels with a bright square of 4 x 6 and one of a pixel."""
    pixels = np.zeros((16, 16), np.uint8)
    pixels[2:6, 3:9] = pixels[12, 13] = 250
    cv2.imwrite(str(tmp_path / "scan.png"), pixels)
    return tmp_path / "scan.png"


@pytest.fixture
def volume(tmp_path):
    """A volume of 0.5 x 2 x 3 mm with a block in the right front of the patient."""
    voxels = np.zeros((16, 16, 8), np.uint8)
    # Stored in RAS: i to the right, j to the front, k to the head.
    voxels[11:15, 10:14, 2:5] = 200
    nibabel.Nifti1Image(voxels, np.diag([0.5, 2, 3, 1])).to_filename(tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def outlines():
    return Brightness(Segmentation(("background", "tumor")), lambda inputs: inputs)


@pytest.fixture
def classes():
    def network(inputs):
        bright = inputs.mean((1, 2))
        return np.concatenate([1 - bright, bright / 2, bright / 2], -1)

    return Brightness(Classification(("normal", "benign", "malignant")), network)


@pytest.fixture
def values():
    return Brightness(
        Regression("bone density", unit="mg/cm3", mean=100.0, std=10.0), lambda inputs: inputs.mean((1, 2))
    )


@pytest.fixture
def answer():
    """A function that predicts one scan."""
    return lambda model, scan: next(iter(predict_scans(model, [scan])))
