"""Encoders by name, and what is special to one of them."""

import keras
import pytest

from medzoo.models.encoders import build_encoder
from medzoo.models.encoders.plain import plain_encoder, residual_encoder
from medzoo.models.encoders.resnet import resnet_encoder


def names_with(word, encoder):
    return [layer.name for layer in encoder.layers if word in layer.name]


def shapes_of(encoder):
    return {name: feature.shape[1:] for name, feature in encoder.output.items()}


def test_encoder_is_built_by_name():
    assert build_encoder("residual", (32, 32, 1)).output["stride_32"].shape == (None, 1, 1, 192)


def test_arguments_are_passed_on_and_not_changed():
    arguments = {"name": "residual", "filters": [4, 6]}
    assert shapes_of(build_encoder(arguments, (8, 8, 1))) == {"stride_1": (8, 8, 4), "stride_2": (4, 4, 6)}
    assert arguments == {"name": "residual", "filters": [4, 6]}


@pytest.mark.parametrize("encoder", ["resnet19", {"name": "resnet19"}])
def test_unknown_encoder_is_named(encoder):
    with pytest.raises(ValueError, match=r"Unknown encoder 'resnet19'\. Did you mean 'resnet1.*medzoo\.models\.list"):
        build_encoder(encoder, (64, 64, 1))


def test_encoder_without_a_name_is_refused():
    with pytest.raises(ValueError, match="Unknown encoder 'None'.*Expected one of: "):
        build_encoder({"filters": [4, 6]}, (64, 64, 1))


def test_weights_for_a_foreign_encoder_are_refused():
    image = keras.Input((8, 8, 1))
    with pytest.raises(ValueError, match="keeps its own weights.* Received: 'imagenet'"):
        build_encoder(keras.Model(image, image), (8, 8, 1), weights="imagenet")


def test_residual_drops_coarse_features_only():
    encoder = residual_encoder((32, 32, 1), filters=(4, 4, 4, 4), dropout=0.5)
    assert names_with("dropout", encoder) == ["stride_4_dropout", "stride_8_dropout"]
    assert not names_with("dropout", residual_encoder((32, 32, 1), filters=(4, 4)))


def test_plain_gives_what_is_before_each_pooling_and_after_the_last():
    encoder = plain_encoder((16, 16, 1), filters=(4, 6, 8))
    assert shapes_of(encoder) == {
        "stride_1": (16, 16, 4),
        "stride_2": (8, 8, 6),
        "stride_4": (4, 4, 8),
        "stride_8": (2, 2, 8),
    }


def test_plain_drops_after_each_pooling():
    encoder = plain_encoder((16, 16, 16, 1), filters=(4, 6), dropout=0.5)
    assert names_with("dropout", encoder) == ["stage_1_dropout", "stage_2_dropout"]
    assert isinstance(encoder.get_layer("stage_1_dropout"), keras.layers.SpatialDropout3D)


def test_plain_has_a_bias_where_it_is_not_normalised():
    assert plain_encoder((8, 8, 1), (4,)).get_layer("stage_1_conv").use_bias is False
    bare = plain_encoder((8, 8, 1), (4,), normalization=False)
    assert bare.get_layer("stage_1_conv").use_bias is True
    assert not names_with("_bn", bare)


def test_volumes_are_dilated_unless_told_otherwise():
    arguments = {"depth": 10, "width_per_group": 4}
    assert shapes_of(resnet_encoder((32, 32, 32, 1), **arguments)).keys() == {"stride_2", "stride_4", "stride_8"}
    assert "stride_32" in shapes_of(resnet_encoder((32, 32, 32, 1), **arguments, dilated=False))
    assert "stride_32" in shapes_of(resnet_encoder((32, 32, 1), **arguments))


def test_shortcut_a_has_no_weights():
    encoder = resnet_encoder((32, 32, 1), depth=18, shortcut="A")
    shortcuts = [encoder.get_layer(name) for name in names_with("shortcut", encoder)]
    assert len(shortcuts) == 2 * 3
    assert not any(layer.weights for layer in shortcuts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"depth": 19}, "Unknown depth of a ResNet '19'. Did you mean '1"), ({"shortcut": "C"}, "Unknown shortcut 'C'")],
)
def test_unknown_form_of_a_resnet_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        resnet_encoder((64, 64, 1), **arguments)
