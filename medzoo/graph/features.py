"""The part of a network that gives features, and the layer that it ends with."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import KerasTensor, layers

from medzoo.errors import unknown_name
from medzoo.graph.walk import stage_of

if TYPE_CHECKING:
    from medzoo.graph.gradients import Call


def find_layer(calls: Sequence[Call], shape: tuple[int, ...], name: str | None, is_dense: bool = False) -> keras.Layer:
    """Return a layer by its name or the last of the encoder at a stride (`"stride_16"`).

    For None it is the last of the encoder, or of a network that answers every pixel the last before its output: the
    deep features of a UNet have little to do with single pixels.

    The encoder is known by the names of its layers; in a network of others it is all up to the last layer at the
    largest stride.

    Args:
        calls: The layers of the network in the order in which they are run, as `run_layers` lists them.
        shape: Shape of the network's input, the batch included.
        name: What is looked for.
        is_dense: Whether the network answers every pixel.

    Raises:
        ValueError: There is no such layer (near matches are in the message), or it gives no map of features.
    """
    named = {call.layer.name: call for call in calls}
    if name in named:
        return _with_map(named[name], shape)
    if name is None and is_dense:
        *_, last, _ = (call for call in calls if len(call.shape) == len(shape))
        return last.layer
    strides = _encoder_by_stride(calls, shape)
    if name is None:
        return strides[max(strides)]
    known = {f"stride_{stride}": layer for stride, layer in strides.items()}
    if name not in known:
        # A network has hundreds of layers, too many for a message.
        near = difflib.get_close_matches(name, named, n=5, cutoff=0.5)
        raise unknown_name("layer", name, [*near, *known], "List all with: model.summary(expand_nested=True)")
    return known[name]


def _with_map(call: Call, shape: tuple[int, ...]) -> keras.Layer:
    if len(call.shape) != len(shape):
        raise ValueError(
            f"The layer '{call.layer.name}' gives the shape {call.shape}, which is no map of the image. "
            'Name a layer in front of the pooling, or a stride such as "stride_16".'
        )
    return call.layer


def _encoder_by_stride(calls: Sequence[Call], shape: tuple[int, ...]) -> dict[int, keras.Layer]:
    """Return the last layer of the encoder at each stride."""
    # One pixel is what attention gives that weighs channels.
    maps = [call for call in calls if len(call.shape) == len(shape) and max(call.shape[1:-1]) > 1]
    maps = [call for call in maps if stage_of(call.layer)] or maps
    if not maps:
        raise ValueError("The network has no layer that gives a map of the image, so there is nothing to draw.")
    strides = _strides(maps, shape)
    last = max(range(len(maps)), key=lambda index: (strides[index], index))
    return {strides[index]: maps[index].layer for index in range(last + 1)}


def _strides(maps: Sequence[Call], shape: tuple[int, ...]) -> list[int]:
    axis = max(range(1, len(shape) - 1), key=lambda axis: shape[axis])
    size, exponent, strides = shape[axis], 0, []
    for call in maps:
        # From one map to the next, since rounding an odd size adds up over many.
        exponent += round(math.log2(size / call.shape[axis]))
        size = call.shape[axis]
        strides.append(2 ** max(exponent, 0))
    return strides


class _Call(NamedTuple):
    """A layer of a network, what it was given and what it gave."""

    layer: keras.Layer
    inputs: Any
    output: KerasTensor

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(self.output.shape)


def feature_network(model: keras.Model, layer: str | int | None = None) -> keras.Model:
    """Return the network from the input of a model to one vector of features for each input.

    The layers are those of the model, not copies. A map of features is averaged over all positions.

    Args:
        model: Functional model of one input, such as one that `medzoo.load` returns; models in it are looked into.
        layer: Name of the layer whose output is taken, or the stride of the encoder's features, `"stride_32"` or 32.
            None for what the last dense layer is given; of a network without one the deepest features of the encoder.

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
    image, calls = keras.Input(model.input_shape[1:]), []
    _run(model, image, calls)
    x = _find(calls, tuple(image.shape), f"stride_{layer}" if str(layer).isdigit() else layer)
    if len(x.shape) > 2:
        pool = layers.GlobalAveragePooling2D if len(x.shape) == 4 else layers.GlobalAveragePooling3D
        x = pool(name="features_pool")(x)
    return keras.Model(image, layers.Identity(dtype="float32", name="features")(x), name="features")


def _run(model: keras.Model, inputs: Any, calls: list[_Call]) -> Any:
    """Run new tensors through the layers of a model, those of models in it one by one, and list the calls.

    The tensors that such an inner model was built of hang on that model's own input, so they are no features of ours.
    """
    own = (model.inputs[0], model.outputs[0]) if isinstance(model, keras.Sequential) else (model.input, model.output)
    end, outputs = layers.Identity(), []

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        if layer is end:
            outputs.append(args[0])
            return args[0]
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return _run(layer, args[0], calls)
        output = layer(*args, **kwargs)
        if isinstance(output, KerasTensor):
            calls.append(_Call(layer, args[0], output))
        return output

    network = keras.Model(own[0], end(own[1]))
    keras.models.clone_model(network, inputs, clone_function=lambda layer: layer, call_function=call)
    return outputs[0]


def _find(calls: list[_Call], shape: tuple[int | None, ...], name: str | None) -> KerasTensor:
    outputs = {call.layer.name: call.output for call in calls}
    if name in outputs:
        return outputs[name]
    # On a map, dense layers are what weighs its channels.
    heads = [call.inputs for call in calls if isinstance(call.layer, layers.Dense) and len(call.shape) == 2]
    if name is None and (heads or len(calls[-1].shape) == 2):
        return heads[-1] if heads else calls[-1].output
    return outputs[find_layer(calls, shape, name).name]
