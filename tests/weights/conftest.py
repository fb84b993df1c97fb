import keras
import numpy as np
import pytest
from states import resnet_state

from medzoo.models.encoders.resnet import resnet_encoder


@pytest.fixture(scope="session")
def state():
    """Tensors of a 2D ResNet-10 for three channels. Not to be changed."""
    return resnet_state()


@pytest.fixture(scope="session")
def resnet10():
    """A 2D ResNet-10 for three channels; its weights are any."""
    return resnet_encoder((None, None, 3), depth=10)


@pytest.fixture(scope="session")
def numbers():
    """Function that returns the weights of a network as arrays by path."""
    return lambda network: {weight.path: keras.ops.convert_to_numpy(weight) for weight in network.weights}


@pytest.fixture(scope="session")
def run():
    """Function that runs a network on a batch and returns an array, or a dict of arrays."""

    def run(network, images):
        outputs = network(keras.ops.convert_to_tensor(images), training=False)
        return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)

    return run


@pytest.fixture
def images():
    """Function that returns random images of a shape."""
    return lambda *shape: np.random.default_rng(0).standard_normal(shape, np.float32)
