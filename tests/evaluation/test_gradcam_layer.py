from types import SimpleNamespace

import pytest

from medzoo.graph.features import find_layer

IMAGE = (1, 64, 64, 3)


def run(**sizes):
    """Return the calls of layers that give maps of these sizes, or vectors where the size is 0."""
    return [call_of(name, (1, size, size, 8) if size else (1, 8)) for name, size in sizes.items()]


def call_of(name, shape):
    return SimpleNamespace(layer=SimpleNamespace(name=name), shape=shape, ends=())


CLASSIFIER = run(stem_conv=32, stage_1_conv=16, stage_1_out=16, stage_2_conv=8, stage_2_out=8, head_pool=0, dense=0)
UNET = run(stage_1_conv=64, stage_1_pool=32, stage_2_conv=32, bridge=32, decoder_up=64, decoder_conv=64)
FOREIGN = run(conv=64, down=32, conv_2=32, deep=16, deep_2=16, up=32, conv_3=32, up_2=64)


@pytest.mark.parametrize(
    ("calls", "name", "expected"),
    [
        (CLASSIFIER, None, "stage_2_out"),
        (CLASSIFIER, "stride_4", "stage_1_out"),
        (CLASSIFIER, "stage_1_conv", "stage_1_conv"),
        (UNET, None, "stage_2_conv"),
        (UNET, "stride_1", "stage_1_conv"),
        (UNET, "decoder_conv", "decoder_conv"),
        (FOREIGN, None, "deep_2"),
        (FOREIGN, "stride_2", "conv_2"),
        (FOREIGN, "stride_1", "conv"),
    ],
)
def test_layer_is_found(calls, name, expected):
    assert find_layer(calls, IMAGE, name).layer.name == expected


def test_attention_of_one_pixel_is_no_feature():
    assert find_layer(run(conv=8, squeeze=1, excite=1, multiply=8), IMAGE, None).layer.name == "multiply"


def test_stride_of_odd_sizes_is_a_power_of_two():
    calls = run(a=17, b=9, c=5, d=3, e=2)
    assert find_layer(calls, (1, 33, 33, 3), "stride_32").layer.name == "e"


def test_stride_is_that_of_the_longest_axis():
    calls = [call_of("conv", (1, 4, 32, 32, 8))]
    assert find_layer(calls, (1, 4, 64, 64, 1), "stride_2").layer.name == "conv"


def test_unknown_layer_names_near_matches_and_all_strides():
    with pytest.raises(ValueError, match=r"Unknown layer 'stage_2_ot'.*'stage_2_out'.*stride_4, stride_8"):
        find_layer(CLASSIFIER, IMAGE, "stage_2_ot")


def test_layer_without_positions_is_refused():
    with pytest.raises(ValueError, match=r"'head_pool' gives the shape \(1, 8\), which is no map"):
        find_layer(CLASSIFIER, IMAGE, "head_pool")


def test_network_without_maps_is_refused():
    with pytest.raises(ValueError, match="no layer that gives a map"):
        find_layer(run(flatten=0), IMAGE, None)
