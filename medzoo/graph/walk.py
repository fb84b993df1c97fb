"""Walking over the layers of a Keras model: which stage each belongs to, and what they cost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_STAGE = re.compile(r"stem|(?:stage|stride)_\d+")


def flatten(layer: keras.Operation) -> Iterator[keras.Operation]:
    """Yield a layer, and of a model all layers in it, a model inside it before its own."""
    import keras

    yield layer
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from flatten(inner)


def stage_of(layer: keras.Operation) -> str | None:
    """Return the stage of an encoder that a layer is named after, such as `"stage_2"`; None for any other layer."""
    match = _STAGE.match(layer.name)
    return match and match[0]


def parameters(model: keras.Model) -> int:
    """Return the number of trainable parameters; running statistics of batch normalisation are not counted."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def multiply_adds(model: keras.Model) -> int:
    """Return the multiply-adds of one forward pass of one input through convolutions and dense layers.

    Args:
        model: A functional model whose input has a known size.

    Returns:
        Number of multiply-adds, which papers and torchvision's tables call FLOPs.

    Raises:
        ValueError: The size of the input is not known.
    """
    if None in model.input_shape[1:]:
        raise ValueError(f"The input must have a known size. Received: input_shape={model.input_shape}.")
    return sum(map(_multiply_adds, flatten(model)))


def _multiply_adds(layer: keras.Operation) -> int:
    if not hasattr(layer, "kernel"):
        return 0
    # The last axis are the channels, which the kernel counts; a depthwise kernel counts them too.
    return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
