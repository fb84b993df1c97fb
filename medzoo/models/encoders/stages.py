"""Encoders made of networks that others wrote: the same graph with layers named after their stage."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras


def name_stages(
    encoder: keras.Model,
    input_shape: tuple[int | None, ...],
    settings: Mapping[type[keras.Layer], Mapping[str, Any]] | None = None,
    without: tuple[type[keras.Layer], ...] = (),
) -> keras.Model:
    """Build an encoder again with, in front of every layer's name, the stage that it belongs to.

    A stage is what leads to one feature and not yet to the one before: `stem`, `stage_1`, `stage_2` and so on. A layer
    that got its name from Keras is numbered within its stage, since Keras counts on from one network to the next.

    Args:
        encoder: Functional model of one input whose output is a dict of features by stride, `{"stride_2": ...}`.
        input_shape: Shape of the input of the copy.
        settings: Arguments by class that the copy's layers have instead of their own.
        without: Classes of layers that the copy leaves out; they have no weights and one input.

    Returns:
        Model of the same features and with new weights, in the order of the encoder's own.
    """
    names = _staged_names(encoder)

    def copy(layer: keras.Layer) -> keras.Layer:
        changed = (settings or {}).get(type(layer), {})
        return type(layer).from_config({**layer.get_config(), **changed, "name": names[layer]})

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        return args[0] if isinstance(layer, without) else layer(*args, **kwargs)

    image = keras.Input(input_shape, name="image")
    return keras.models.clone_model(encoder, input_tensors=image, clone_function=copy, call_function=call)


def _staged_names(encoder: keras.Model) -> dict[keras.Operation, str]:
    names = {}
    # Not in the order of the dict, which Keras sorts by letters on torch.
    strides = sorted(int(name.removeprefix("stride_")) for name in encoder.output)
    for number, stride in enumerate(strides):
        stage = f"stage_{number}" if number else "stem"
        count = Counter()
        for layer in keras.Model(encoder.input, encoder.output[f"stride_{stride}"]).operations:
            if layer in names:
                continue
            name = layer.name
            base = re.sub(r"_\d+$", "", name)
            if base.replace("_", "") == type(layer).__name__.lower():
                count[base] += 1
                name = f"{base}_{count[base]}"
            names[layer] = f"{stage}_{name}"
    return names
