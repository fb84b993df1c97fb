"""The part of a network that gives features, and the layer that it ends with."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import keras
from keras import KerasTensor, layers

from medzoo.errors import unknown_name
from medzoo.graph.calls import Call, graph_of
from medzoo.graph.walk import stage_of


def find_layer(calls: Sequence[Call], shape: Sequence[int], name: str | None, is_dense: bool = False) -> Call:
    """Return the last call of a layer by its name, or of the encoder at a stride (`"stride_16"`).

    For None it is the last one of the encoder; of a network that answers every pixel it is the last one before the
    output, since the deep features of a UNet have little to do with single pixels.

    The encoder is known by the names of its layers; a network with other names is an encoder up to the last layer at
    the largest stride.

    Args:
        calls: The calls of the network, as `graph_of` lists them for an input of a known size.
        shape: Shape of the network's input, the batch included.
        name: Name of a layer, of a model in the network, or of a stride.
        is_dense: Whether the network answers every pixel.

    Raises:
        ValueError: There is no such layer (near matches are in the message), or it gives no map of features.
    """
    by_name = {key: call for call in calls for key in (call.layer.name, *call.ends)}
    if name in by_name:
        return _with_map(by_name[name], shape)
    maps = [call for call in calls if len(call.shape) == len(shape)]
    if name is None and is_dense:
        return maps[-2:][0]
    strides = _encoder_by_stride(maps, shape)
    if name is None:
        return strides[max(strides)]
    by_stride = {f"stride_{stride}": call for stride, call in strides.items()}
    if name not in by_stride:
        # A network has hundreds of layers, too many for a message.
        near = difflib.get_close_matches(name, by_name, n=5, cutoff=0.5)
        raise unknown_name("layer", name, [*near, *by_stride], "List all with: model.summary(expand_nested=True)")
    return by_stride[name]


def _with_map(call: Call, shape: Sequence[int]) -> Call:
    if len(call.shape) != len(shape):
        raise ValueError(
            f"The layer '{call.layer.name}' gives the shape {call.shape}, which is no map of the image. "
            'Name a layer in front of the pooling, or a stride such as "stride_16".'
        )
    return call


def _encoder_by_stride(maps: Sequence[Call], shape: Sequence[int]) -> dict[int, Call]:
    """Return the last call of the encoder at each stride, of all calls that give maps."""
    # Attention that weighs channels gives one pixel.
    maps = [call for call in maps if max(_sides(call)) > 1]
    maps = [call for call in maps if stage_of(call.layer)] or maps
    if not maps:
        raise ValueError("The network has no layer that gives a map of the image, so there is nothing to draw.")
    strides = _strides(maps, shape)
    last = max(range(len(maps)), key=lambda index: (strides[index], index))
    return {strides[index]: maps[index] for index in range(last + 1)}


def _strides(maps: Sequence[Call], shape: Sequence[int]) -> list[int]:
    axis = max(range(len(shape) - 2), key=lambda axis: shape[axis + 1])
    size, exponent, strides = shape[axis + 1], 0, []
    for call in maps:
        # From one map to the next, since rounding an odd size adds up over many.
        exponent += round(math.log2(size / _sides(call)[axis]))
        size = _sides(call)[axis]
        strides.append(2 ** max(exponent, 0))
    return strides


def _sides(call: Call) -> list[int]:
    """Return the size of a map; a side that is not known counts as 0."""
    return [side or 0 for side in call.shape[1:-1]]


def feature_network(model: keras.Model, layer: str | int | None = None) -> keras.Model:
    """Return the network from the input of a model to one vector of features for each input.

    The layers are those of the model, not copies. A map of features is averaged over all positions.

    Args:
        model: Functional model of one input, such as one that `medzoo.load` returns; models in it are looked into.
        layer: Name of the layer whose output is taken, or the stride of the encoder's features, `"stride_32"` or 32.
            None for the input of the last dense layer; of a network without one the deepest features of the encoder.

    Returns:
        Model from `(batch, *size, channels)` to `(batch, features)` in float32.

    Raises:
        ValueError: There is no such layer; near matches and all strides are in the message.

    Example:
        >>> model = medzoo.models.build({"name": "classifier"}, (64, 64, 3), 1, "sigmoid")
        >>> feature_network(model).output_shape
        (None, 512)

    Source: Razavian et al., CNN features off-the-shelf, 2014 (arXiv 1403.6382).
    """
    graph = graph_of(model)
    name = f"stride_{layer}" if str(layer).isdigit() else None if layer is None else str(layer)
    x = _find_features(graph.calls, graph.input.shape, name)
    if len(x.shape) > 2:
        pool = layers.GlobalAveragePooling2D if len(x.shape) == 4 else layers.GlobalAveragePooling3D
        x = pool(name="features_pool")(x)
    return keras.Model(graph.input, layers.Identity(dtype="float32", name="features")(x), name="features")


def _find_features(calls: Sequence[Call], shape: Sequence[int], name: str | None) -> KerasTensor:
    by_name = {key: call.result for call in calls if call.shape for key in (call.layer.name, *call.ends)}
    if name in by_name:
        return by_name[name]
    # On a map, dense layers are what weighs its channels.
    heads = [call.inputs[0] for call in calls if isinstance(call.layer, layers.Dense) and len(call.shape) == 2]
    if name is None and (heads or len(calls[-1].shape) == 2):
        return heads[-1] if heads else calls[-1].result
    return find_layer(calls, shape, name).result
