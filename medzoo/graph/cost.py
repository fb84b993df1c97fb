"""What a network costs, counted on its graph."""

from __future__ import annotations

import math

import keras

from medzoo.graph.walk import flatten


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


def _multiply_adds(layer: keras.Layer) -> int:
    if not hasattr(layer, "kernel"):
        return 0
    # The last axis are the channels, which the kernel counts; a depthwise kernel counts them too.
    return math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1])
