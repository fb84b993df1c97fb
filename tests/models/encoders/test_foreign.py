"""Backbones of other libraries, for which a class of the same form stands in."""

import keras
import numpy as np
import pytest
from keras import layers

from medzoo.models.encoders import build_encoder
from medzoo.models.encoders.backbones import foreign_encoder


class Backbone(keras.Model):
    """A functional subclass with `pyramid_outputs`, as keras_hub and medicai have them."""

    def __init__(self, input_shape, strides=(2, 2)):
        conv = layers.Conv2D if len(input_shape) == 3 else layers.Conv3D
        x = image = keras.Input(input_shape)
        pyramid = {}
        for level, stride in enumerate(strides, start=1):
            x = layers.BatchNormalization()(conv(2 + level, 3, strides=stride, padding="same")(x))
            pyramid[f"P{level}"] = x = layers.ReLU()(x)
        super().__init__(image, layers.Activation("tanh")(x))
        self.pyramid_outputs = pyramid


def images_of(shape):
    return np.random.default_rng(0).random((2, *shape), np.float32)


@pytest.mark.parametrize("shape", [(16, 16, 3), (8, 8, 16, 1), (17, 9, 1)])
def test_features_are_those_of_the_backbone(shape):
    backbone = Backbone(shape)
    for weight in backbone.weights:
        weight.assign(np.random.default_rng(1).uniform(0.1, 1, weight.shape))
    encoder = build_encoder(backbone, shape)
    features = encoder.predict_on_batch(images_of(shape))
    expected = keras.Model(backbone.input, dict(backbone.pyramid_outputs)).predict_on_batch(images_of(shape))
    assert features.keys() == {"stride_2", "stride_4"}
    assert features["stride_2"] == pytest.approx(expected["P1"], rel=1e-4)
    assert features["stride_4"] == pytest.approx(expected["P2"], rel=1e-4)


def test_layers_are_named_after_their_stage_and_do_not_count_up():
    names = [[layer.name for layer in foreign_encoder(Backbone((16, 16, 3)), (16, 16, 3)).layers] for _ in range(2)]
    assert names[0] == names[1]
    assert names[0][1:4] == ["stem_conv2d_1", "stem_batch_normalization_1", "stem_re_lu_1"]
    assert names[0][4:] == ["stage_1_conv2d_1", "stage_1_batch_normalization_1", "stage_1_re_lu_1"]


def test_backbone_itself_is_left_alone():
    backbone = Backbone((16, 16, 3))
    names = [layer.name for layer in backbone.layers]
    encoder = foreign_encoder(backbone, (16, 16, 3))
    encoder.trainable = False
    encoder.set_weights([0 * weight for weight in encoder.get_weights()])
    assert [layer.name for layer in backbone.layers] == names
    assert all(layer.trainable for layer in backbone.layers)
    assert backbone.get_weights()[0].any()


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((32, 32, 1), (4, 2), ["stride_4", "stride_8"]),
        ((33, 33, 1), (2, 2, 2, 2, 2), ["stride_2", "stride_4", "stride_8", "stride_16", "stride_32"]),
        ((None, None, 1), (2, 2, 2), ["stride_2", "stride_4", "stride_8"]),
        ((32, 32, 1), (2, 2, 1), ["stride_2", "stride_4"]),
    ],
)
def test_strides_are_read_off_the_shapes_and_not_the_names(shape, strides, expected):
    assert foreign_encoder(Backbone(shape, strides), shape).output.keys() == set(expected)


def test_deepest_feature_of_a_stride_is_taken():
    encoder = foreign_encoder(Backbone((16, 16, 1), strides=(2, 1)), (16, 16, 1))
    assert {name: feature.shape[-1] for name, feature in encoder.output.items()} == {"stride_2": 4}


def test_unknown_size_of_the_backbone_may_be_given():
    encoder = foreign_encoder(Backbone((None, None, 1)), (16, 24, 1))
    assert encoder.output["stride_4"].shape == (None, 4, 6, 4)


@pytest.mark.parametrize("shape", [(16, 16, 1), (16, 24, 3), (16, 16, 16, 3), (None, None, 3)])
def test_another_shape_is_refused_with_both(shape):
    with pytest.raises(ValueError, match=r"must be \(16, 16, 3\), which .*Received: \(.*Build the backbone for \("):
        foreign_encoder(Backbone((16, 16, 3)), shape)


def test_network_without_a_pyramid_is_refused():
    image = keras.Input((8, 8, 1))
    with pytest.raises(ValueError, match="with `pyramid_outputs`, a dict of tensors.*Received: Functional with .*None"):
        foreign_encoder(keras.Model(image, image), (8, 8, 1))


def test_tokens_are_refused():
    backbone = Backbone((8, 8, 1))
    backbone.pyramid_outputs = {"P1": layers.Reshape((-1, 4))(backbone.pyramid_outputs["P2"])}
    with pytest.raises(ValueError, match="rank 4 of its image. Received: .*whose features are no maps"):
        foreign_encoder(backbone, (8, 8, 1))
