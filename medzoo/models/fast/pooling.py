"""Max pooling as maxima of strided slices."""

from __future__ import annotations

from functools import reduce
from typing import Any

from keras import layers, ops

from medzoo.models.fast.window import find_window


def max_pooling(layer: layers.Layer, inputs: Any) -> Any:
    """Take the maximum along one axis after the other, each as the maximum of strided slices."""
    if None in inputs.shape[1:]:
        return type(layer).call(layer, inputs)
    for axis, (size, kernel, stride) in enumerate(zip(inputs.shape[1:-1], layer.pool_size, layer.strides, strict=True)):
        outputs, *padding = find_window(layer.padding, size, kernel, stride, 1)
        widths = [(0, 0)] * len(inputs.shape)
        widths[axis + 1] = tuple(padding)
        x = ops.pad(inputs, widths, constant_values=float("-inf")) if any(padding) else inputs
        starts = (slice(index, index + (outputs - 1) * stride + 1, stride) for index in range(kernel))
        inputs = reduce(ops.maximum, [x[(slice(None),) * (axis + 1) + (start,)] for start in starts])
    return inputs
