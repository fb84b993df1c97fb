"""The part of a network that gives features."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import KerasTensor, layers

from medzoo.features.layer import find_layer
from medzoo.models.blocks import spatial
from medzoo.models.fast import accelerate


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
        x = spatial("GlobalAveragePooling", x)(name="features_pool")(x)
    return accelerate(keras.Model(image, layers.Identity(dtype="float32", name="features")(x), name="features"))


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
