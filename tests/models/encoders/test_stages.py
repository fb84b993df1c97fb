"""Layers named after the stage that they belong to."""

import keras
from keras import layers

from medzoo.models.encoders.backbones import name_stages


def make_encoder():
    """Two stages of layers with and without a name, one of them used twice and one operation that is no layer."""
    image = keras.Input((8, 8, 2))
    shared = layers.Conv2D(2, 1, name="mine_7")
    x = layers.Conv2D(2, 3, padding="same")(shared(image))
    fine = layers.Conv2D(2, 3, padding="same")(x)
    coarse = layers.Conv2D(2, 3, padding="same")(shared(layers.MaxPooling2D()(fine)) * 2.0)
    return keras.Model(image, {"stride_1": fine, "stride_2": coarse})


def named(encoder, **arguments):
    return [operation.name for operation in name_stages(encoder, (8, 8, 2), **arguments).operations]


def test_name_tells_the_first_feature_that_a_layer_leads_to():
    assert named(make_encoder()) == [
        "image",
        "stem_mine_7",
        "stem_conv2d_1",
        "stem_conv2d_2",
        "stage_1_max_pooling2d_1",
        "stage_1_multiply_1",
        "stage_1_conv2d_1",
    ]


def test_names_are_the_same_for_the_next_network():
    assert named(make_encoder()) == named(make_encoder())


def test_weights_come_in_the_order_of_the_original():
    encoder = make_encoder()
    copy = name_stages(encoder, (8, 8, 2))
    assert [weight.shape for weight in copy.weights] == [weight.shape for weight in encoder.weights]
    assert not {id(weight) for weight in copy.weights} & {id(weight) for weight in encoder.weights}


def test_settings_of_a_class_are_replaced():
    copy = name_stages(make_encoder(), (None, None, 2), {layers.MaxPooling2D: {"pool_size": 4, "strides": 4}})
    assert copy.compute_output_shape((1, 8, 8, 2))["stride_2"] == (1, 2, 2, 2)


def test_class_is_left_out():
    assert not [name for name in named(make_encoder(), without=(layers.MaxPooling2D,)) if "pool" in name]
