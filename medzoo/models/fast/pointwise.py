"""Convolution of kernel size 1 as a matrix product."""

from __future__ import annotations

from typing import Any

from keras import layers, ops


def pointwise_convolution(layer: layers.Layer, x: Any, kernel: Any) -> Any:
    """Multiply by the only tap of the kernel as a matrix."""
    x = x[:, *(slice(None, None, stride) for stride in layer.strides)]
    return ops.matmul(x, ops.reshape(kernel, kernel.shape[-2:]))
