"""Grouped 2D convolution as a few dense ones."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

# Dense convolutions have at least this many channels, and there are at most this many of them.
_CHANNELS, _CHUNKS = 32, 16


def grouped_convolution(layer: layers.Conv2D, x: Any, kernel: Any) -> Any:
    """Convolve chunks of merged groups, each with a dense kernel that is zero outside its diagonal blocks."""
    groups, filters = layer.groups, layer.filters // layer.groups
    channels = x.shape[-1] // groups
    merged = max(-(-_CHANNELS // max(channels, filters)), -(-groups // _CHUNKS))
    kernels = _split(ops.convert_to_tensor(kernel), merged * filters)
    dense = [_block_diagonal(part, part.shape[-1] // filters) for part in kernels]
    settings = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
    inputs = _split(x, merged * channels)
    parts = [ops.conv(*pair, data_format="channels_last", **settings) for pair in zip(inputs, dense, strict=True)]
    return ops.concatenate(parts, axis=-1)


def _split(x: Any, size: int) -> list:
    # Not slices, since TensorFlow computes for each a gradient as large as the whole.
    ends = list(range(size, x.shape[-1], size))
    return ops.split(x, ends, axis=-1) if ends else [x]


def _block_diagonal(kernel: Any, groups: int) -> Any:
    *size, channels, filters = kernel.shape
    mask = ops.repeat(ops.eye(groups, dtype=kernel.dtype), filters // groups, axis=-1)
    return ops.reshape(kernel[..., None, :, :] * mask[:, None], (*size, groups * channels, filters))
