"""What is special to classifiers and regressors."""

import keras
import numpy as np
import pytest

from medzoo.graph.walk import parameters
from medzoo.models.classifier import classifier, regressor

TINY = {"name": "resnet10", "width_per_group": 4}
SMALL = {"name": "plain", "filters": (4, 8)}


def parameters_of_head(network):
    head = [layer for layer in network.layers if layer.name.startswith(("head_", "predictions"))]
    return sum(int(np.prod(weight.shape)) for layer in head for weight in layer.trainable_weights)


# A published comparison of three frozen backbones on 4 classes of brain MRI: trainable parameters, and all of them.
@pytest.mark.parametrize(
    ("encoder", "arguments", "head", "total"),
    [
        ("resnet50", {"hidden": (1024,)}, 2_102_276, 25_610_308),
        ("vgg19", {"hidden": (4096, 4096), "pooling": "flatten"}, 119_562_244, 139_586_628),
        # EfficientNetV2-L there; the small one has as many features.
        ("efficientnetv2b0", {"hidden": (256,), "hidden_activation": "gelu"}, 328_964, None),
    ],
)
def test_network_has_the_parameters_of_the_published_one(encoder, arguments, head, total):
    network = classifier((224, 224, 3), outputs=4, activation="softmax", encoder=encoder, **arguments)
    assert parameters_of_head(network) == head
    assert total in (None, parameters(network))


def test_medicalnet_with_one_unit_classifies_volumes():
    network = classifier((16, 16, 16, 1), encoder="resnet10")
    assert parameters(network) == 14_355_520 + 513
    assert network.output_shape == (None, 1)
    assert network.get_layer("predictions").activation is keras.activations.sigmoid


def test_regressor_is_a_classifier_with_outputs_that_are_not_bounded():
    network = regressor((16, 16, 1), encoder=SMALL, hidden=(8,))
    assert network.get_layer("predictions").activation is keras.activations.linear
    assert [layer.name for layer in network.layers] == [
        layer.name for layer in classifier((16, 16, 1), encoder=SMALL, hidden=(8,)).layers
    ]


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_pooling_is_over_all_positions(pooling, reduce):
    network = classifier((8, 8, 1), outputs=0, encoder=SMALL, pooling=pooling)
    image = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    features = keras.Model(network.input, network.get_layer("head_pool").input).predict_on_batch(image)
    assert network.predict_on_batch(image) == pytest.approx(reduce(features, axis=(1, 2)), abs=1e-5)


def test_flattening_keeps_every_position():
    assert classifier((8, 12, 1), outputs=0, encoder=SMALL, pooling="flatten").output_shape == (None, 2 * 3 * 8)


def test_flattening_needs_the_size():
    message = r'pooling="flatten" must know the size.*Received: .*None, None, None, 8.*or use pooling="avg"'
    with pytest.raises(ValueError, match=message):
        classifier((None, None, 1), encoder=SMALL, pooling="flatten")


def test_unknown_pooling_is_named():
    with pytest.raises(ValueError, match="Unknown pooling 'average'.*Expected one of: avg, flatten, max"):
        classifier((8, 8, 1), encoder=SMALL, pooling="average")


def test_stride_chooses_the_feature():
    network = classifier((32, 32, 1), encoder=TINY, stride=8)
    assert network.get_layer("head_pool").input.shape == (None, 4, 4, 8)
    assert not [layer.name for layer in network.layers if layer.name.startswith("stage_3")]


def test_unknown_stride_is_named():
    with pytest.raises(ValueError, match="Unknown stride '64'.*Expected one of: 16, 2, 32, 4, 8"):
        classifier((32, 32, 1), encoder=TINY, stride=64)


@pytest.mark.parametrize(
    ("hidden", "names"),
    [
        ((), ["head_pool", "head_dropout", "predictions"]),
        ((8, 4), ["head_pool", "head_1_dense", "head_1_dropout", "head_2_dense", "head_2_dropout", "predictions"]),
    ],
)
def test_dropout_lies_behind_hidden_layers_or_else_the_pooling(hidden, names):
    network = classifier((8, 8, 1), encoder=SMALL, hidden=hidden, dropout=0.3)
    head = [layer for layer in network.layers if layer.name.startswith(("head", "predictions"))]
    assert [layer.name for layer in head] == names
    assert {layer.rate for layer in head if "dropout" in layer.name} == {0.3}


def test_no_outputs_end_with_the_features():
    network = classifier((32, 32, 1), outputs=0, encoder=TINY)
    assert network.layers[-1].name == "head_pool"
    assert network.output_shape == (None, 32)
