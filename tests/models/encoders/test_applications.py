"""Encoders of keras.applications: the same numbers, under names that hold the stage."""

import re

import keras
import numpy as np
import pytest

from medzoo.models.encoders.backbones import application_encoder

# By name: the function of Keras, and which of its tensors the features are.
ORIGINALS = {
    "vgg16": (
        keras.applications.VGG16,
        {
            "stride_1": "block1_conv2",
            "stride_2": "block2_conv2",
            "stride_4": "block3_conv3",
            "stride_8": "block4_conv3",
            "stride_16": "block5_conv3",
            "stride_32": "block5_pool",
        },
    ),
    "efficientnetv2b0": (
        keras.applications.EfficientNetV2B0,
        {
            "stride_2": "block1a_project_activation",
            "stride_4": "block2b_add",
            "stride_8": "block3b_add",
            "stride_16": "block5e_add",
            "stride_32": "top_activation",
        },
    ),
    "mobilenetv2": (
        keras.applications.MobileNetV2,
        {
            "stride_2": "expanded_conv_project_BN",
            "stride_4": "block_2_add",
            "stride_8": "block_5_add",
            "stride_16": "block_12_add",
            "stride_32": "out_relu",
        },
    ),
}


def own_name(layer):
    return re.sub(r"^(stem|stage_\d)_", "", layer.name)


@pytest.fixture(scope="module", params=ORIGINALS)
def pair(request):
    """An encoder, the network of Keras with its features as output and the encoder's weights."""
    build, tensors = ORIGINALS[request.param]
    options = {"include_preprocessing": False} if request.param.startswith("efficientnet") else {}
    original = build(include_top=False, weights=None, input_shape=(64, 64, 3), **options)
    encoder = application_encoder((None, None, 3), request.param)
    rng = np.random.default_rng(0)
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.weights])
        if layer.weights:
            original.get_layer(own_name(layer)).set_weights(layer.get_weights())
    features = {name: original.get_layer(tensor).output for name, tensor in tensors.items()}
    return encoder, keras.Model(original.input, features)


def test_features_are_those_of_keras(pair):
    encoder, original = pair
    images = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    features, expected = encoder(images, training=False), original(images, training=False)
    assert features.keys() == expected.keys()
    for name in features:
        feature, other = (keras.ops.convert_to_numpy(each[name]) for each in (features, expected))
        assert feature == pytest.approx(other, abs=1e-4 * float(np.abs(other).max()))


def test_layers_with_weights_keep_the_name_that_keras_gave_them(pair):
    encoder, original = pair
    assert {own_name(layer) for layer in encoder.layers if layer.weights} == {
        layer.name for layer in original.layers if layer.weights
    }


def test_stage_changes_where_the_stride_does(pair):
    encoder, _ = pair
    for number, stride in enumerate(sorted(int(name.removeprefix("stride_")) for name in encoder.output)):
        last = keras.Model(encoder.input, encoder.output[f"stride_{stride}"]).layers[-1]
        assert last.name.startswith(f"stage_{number}_" if number else "stem_")


def test_unknown_application_is_named():
    with pytest.raises(ValueError, match="'efficientnetv2x'. Did you mean 'efficientnetv2"):
        application_encoder((64, 64, 3), "efficientnetv2x")
