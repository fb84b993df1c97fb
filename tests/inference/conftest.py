import numpy as np
import pytest

from medzoo.preprocessing import Preprocessing
from medzoo.task import Segmentation


class EchoModel:
    """Answers with its input as probabilities: bright is foreground."""

    task = Segmentation(("background", "lesion"))
    preprocessing = Preprocessing((8, 8), normalization=None)

    def __init__(self):
        self.batches = []

    def predict_on_batch(self, inputs):
        self.batches.append(len(inputs))
        return inputs


@pytest.fixture
def echo_model():
    return EchoModel()


@pytest.fixture
def square():
    """A picture of 32 px, dark with one bright square at rows 8 to 15 and columns 16 to 27."""
    image = np.zeros((32, 32), np.float32)
    image[8:16, 16:28] = 1
    return image
