"""What is special to ResUNet++."""

import keras
import numpy as np
import pytest

from medzoo.models.resunet_plus_plus import resunet_plus_plus

SMALL = (8, 8, 16)


def test_network_has_the_parameters_of_the_published_one():
    # The authors' code has 4,070,385; 3,376 of them are biases of convolutions that a batch normalisation cancels.
    assert resunet_plus_plus((64, 64, 3)).count_params() == 4_070_385 - 3_376


def test_volumes_have_the_same_layers_as_images():
    names = [
        [layer.name.split("_rate_")[0] for layer in resunet_plus_plus(shape, filters=SMALL).layers]
        for shape in [(8, 8, 1), (8, 8, 8, 1)]
    ]
    assert names[0] == names[1]


@pytest.mark.parametrize(("shape", "rates"), [((8, 8, 1), [1, 6, 12, 18]), ((8, 8, 8, 1), [1, 2, 4, 6])])
def test_dilations_fit_images_and_volumes(shape, rates):
    layers = resunet_plus_plus(shape, filters=SMALL).layers
    for block in ("decoder_2", "head"):
        branches = [layer for layer in layers if layer.name.startswith(f"{block}_rate") and hasattr(layer, "kernel")]
        assert [layer.dilation_rate[0] for layer in branches] == rates


def test_gate_without_response_closes_the_way_of_the_deep_features():
    keras.utils.set_random_seed(0)
    network = resunet_plus_plus((8, 8, 1), filters=SMALL)
    joined = keras.Model(network.input, network.get_layer("decoder_1_up").output)
    image = np.random.default_rng(0).random((1, 8, 8, 1), np.float32)
    assert np.abs(joined.predict_on_batch(image)).max() > 0
    gate = network.get_layer("decoder_1_gate_conv")
    gate.set_weights([np.zeros_like(weight) for weight in gate.get_weights()])
    assert np.abs(joined.predict_on_batch(image)).max() == 0


def test_decoder_over_a_deeper_encoder_keeps_the_last_width():
    network = resunet_plus_plus((32, 32, 1), encoder={"name": "resnet10", "width_per_group": 4}, filters=SMALL)
    widths = {stride: network.get_layer(f"decoder_{stride}_2_conv").filters for stride in (16, 8, 4, 2, 1)}
    assert widths == {16: 16, 8: 16, 4: 16, 2: 16, 1: 8}
    assert network.output_shape == (None, 32, 32, 1)


def test_weights_without_an_encoder_are_refused():
    with pytest.raises(
        ValueError, match='no weights for the encoder of ResUNet.*weights=.imagenet.*encoder="resnet50"'
    ):
        resunet_plus_plus((32, 32, 3), weights="imagenet")


def test_less_than_two_widths_are_refused():
    with pytest.raises(ValueError, match=r"`filters` must hold two numbers or more\. Received: \[8\]"):
        resunet_plus_plus((32, 32, 3), filters=(8,))
