"""Other ways to compute what stock Keras layers compute, for backends that are slow on the CPU.

A layer stays the stock one with its weights, its configuration and its file. Only its instance gets another
`convolution_op` or `call`, the methods that Keras documents to be overridden, so a fast model saves as a stock one.

Source: measured with `benchmarks/layers.py` and `benchmarks/networks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import keras
from keras import layers, ops

from medzoo.graph.walk import flatten

_CONVOLUTIONS = (layers.Conv2D, layers.Conv3D)
_POOLINGS = (layers.MaxPooling2D, layers.MaxPooling3D)
_METHODS = ("convolution_op", "call")

# From this many filters on, TensorFlow gains from `convolution_by_depth` where the dilation is larger than 2.
_FILTERS = 64


def accelerate(model: keras.Layer, enabled: bool | str = "auto") -> keras.Layer:
    """Give the stock layers of a model their fast way to compute, or take it away.

    What a compiled model traced before is dropped and traced again at the next step, so call this on the outermost
    model. Outputs stay equal to rounding; among equal maxima, max pooling shares the gradient instead of choosing.

    Args:
        model: Model, with all models inside it, or a single layer.
        enabled: `"auto"` for the layers that gain on this backend, if it runs on the CPU; True for all layers that have
            a fast way; False for none.

    Returns:
        The same model.

    Raises:
        ValueError: `enabled` is something else.

    Example:
        >>> import keras
        >>> layer = keras.layers.Conv2D(64, 3, groups=32)
        >>> accelerate(layer) is layer
        True
    """
    if enabled not in (True, False, "auto"):
        raise ValueError(f"`enabled` is expected to be True, False or 'auto'. Received: enabled={enabled!r}")
    backend = keras.backend.backend()
    on_cpu = "cpu" in str(ops.zeros(1).device).lower()
    for layer in flatten(model):
        if isinstance(layer, keras.Model):
            layer.train_function = layer.test_function = layer.predict_function = None
        for method in _METHODS:
            vars(layer).pop(method, None)
        way = _find_way(layer) if enabled else None
        if way is not None and (enabled is True or (on_cpu and _gains(way, layer, backend))):
            setattr(layer, "call" if way is max_pooling else "convolution_op", partial(way, layer))
    return model


def _find_way(layer: keras.Layer) -> Callable | None:
    # Subclasses may compute something else.
    if type(layer) not in _CONVOLUTIONS + _POOLINGS or layer.data_format != "channels_last":
        return None
    if type(layer) in _POOLINGS:
        return max_pooling
    if layer.groups > 1:
        return grouped_convolution if type(layer) is layers.Conv2D else None
    if max(layer.kernel_size) == 1:
        return pointwise_convolution
    return convolution_by_depth if type(layer) is layers.Conv3D else None


def _gains(way: Callable, layer: keras.Layer, backend: str) -> bool:
    if backend == "tensorflow" and way is convolution_by_depth:
        return max(layer.dilation_rate) > 2 and layer.filters >= _FILTERS
    return backend == "jax" or (backend == "tensorflow" and way is grouped_convolution)


# Dense convolutions have at least this many channels, and there are at most this many of them.
_GROUP_CHANNELS, _GROUP_CHUNKS = 32, 16


def grouped_convolution(layer: layers.Conv2D, x: Any, kernel: Any) -> Any:
    """Convolve chunks of merged groups, each with a dense kernel that is zero outside its diagonal blocks."""
    groups, filters = layer.groups, layer.filters // layer.groups
    channels = x.shape[-1] // groups
    merged = max(-(-_GROUP_CHANNELS // max(channels, filters)), -(-groups // _GROUP_CHUNKS))
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


def find_window(padding: str, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Return the number of outputs along an axis, and what is padded before and after its inputs."""
    reach = (kernel - 1) * dilation + 1
    if padding == "valid":
        return (size - reach) // stride + 1, 0, 0
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + reach - size, 0)
    return outputs, total // 2, total - total // 2


def pointwise_convolution(layer: layers.Layer, x: Any, kernel: Any) -> Any:
    """Multiply by the only tap of the kernel as a matrix."""
    x = x[:, *(slice(None, None, stride) for stride in layer.strides)]
    return ops.matmul(x, ops.reshape(kernel, kernel.shape[-2:]))


def max_pooling(layer: layers.Layer, inputs: Any) -> Any:
    """Take the maximum along one axis after the other, each as the maximum of strided slices."""
    if None in inputs.shape[1:]:
        return type(layer).call(layer, inputs)
    for axis, (size, kernel, stride) in enumerate(zip(inputs.shape[1:-1], layer.pool_size, layer.strides, strict=True)):
        outputs, before, after = find_window(layer.padding, size, kernel, stride, 1)
        widths = [(0, 0)] * len(inputs.shape)
        widths[axis + 1] = before, after
        x = ops.pad(inputs, widths, constant_values=float("-inf")) if before or after else inputs
        starts = (slice(index, index + (outputs - 1) * stride + 1, stride) for index in range(kernel))
        inputs = reduce(ops.maximum, [x[(slice(None),) * (axis + 1) + (start,)] for start in starts])
    return inputs


# Up to this many channels, the slices of the kernel are one 2D convolution, with their inputs as its channels.
_SLICE_CHANNELS = 32


def convolution_by_depth(layer: layers.Conv3D, x: Any, kernel: Any) -> Any:
    """Add the 2D convolutions of the slices of the kernel, which move over the depth and skip its padding.

    Dilated ones convolve, without dilation, each of the interleaved grids whose points see each other.
    """
    if None in x.shape[1:]:
        return type(layer).convolution_op(layer, x, kernel)
    _, height, width = layer.dilation_rate
    if max(height, width) == 1:
        return _add_slices(layer, x, kernel, layer.padding)
    (rows, *above), (columns, *left) = (_grid_window(layer, axis, x.shape[axis + 1]) for axis in (1, 2))
    x = ops.pad(x, ((0, 0), (0, 0), above[1:], left[1:], (0, 0)))
    y = _batch_to_space(_add_slices(layer, _space_to_batch(x, height, width), kernel, "same"), height, width)
    return y[:, :, above[0] : above[0] + rows, left[0] : left[0] + columns]


def _add_slices(layer: layers.Conv3D, x: Any, kernel: Any, padding: str) -> Any:
    moves = [_move(layer, x.shape[1], index) for index in range(layer.kernel_size[0])]
    planes = zip(moves, ops.unstack(ops.convert_to_tensor(kernel)), strict=True)
    parts = [(x[:, reads], writes, plane) for (reads, writes), plane in planes if reads.start < reads.stop]
    if x.shape[-1] * len(parts) <= _SLICE_CHANNELS:
        # One convolution of several times as many channels, where there are few.
        volumes = [_pad_depth(volume, writes) for volume, writes, _ in parts]
        kernel = ops.concatenate([plane for *_, plane in parts], axis=-2)
        return _convolve_planes(layer, ops.concatenate(volumes, axis=-1), kernel, padding)
    return sum(_pad_depth(_convolve_planes(layer, volume, plane, padding), writes) for volume, writes, plane in parts)


def _convolve_planes(layer: layers.Conv3D, x: Any, kernel: Any, padding: str) -> Any:
    depth, *plane = x.shape[1:]
    x = ops.reshape(x, (-1, *plane))
    if padding == "same":
        y = ops.conv(x, kernel, layer.strides[1:], padding, "channels_last")
    else:
        # With padding of its own, even if all that it adds is dropped again, a convolution of XLA is 3 times as fast.
        rows, columns = (find_window("valid", x.shape[axis], *_along(layer, axis))[0] for axis in (1, 2))
        x = ops.pad(x, ((0, 0), *((0, stride) for stride in layer.strides[1:]), (0, 0)))
        y = ops.conv(x, kernel, layer.strides[1:], padding, "channels_last")[:, :rows, :columns]
    return ops.reshape(y, (-1, depth, *y.shape[1:]))


def _pad_depth(x: Any, padding: tuple[int, int]) -> Any:
    return ops.pad(x, ((0, 0), padding, (0, 0), (0, 0), (0, 0)))


def _along(layer: layers.Layer, axis: int) -> tuple[int, int, int]:
    return layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]


def _move(layer: layers.Conv3D, size: int, index: int) -> tuple[slice, tuple[int, int]]:
    """Return which depths a slice of the kernel reads, and how many outputs before and after get nothing from it."""
    kernel, stride, dilation = _along(layer, 0)
    outputs, before, _ = find_window(layer.padding, size, kernel, stride, dilation)
    shift = index * dilation - before
    first, last = max(0, -(shift // stride)), min(outputs, (size - 1 - shift) // stride + 1)
    return slice(first * stride + shift, (last - 1) * stride + shift + 1, stride), (first, outputs - last)


def _grid_window(layer: layers.Conv3D, axis: int, size: int) -> tuple[int, int, int, int]:
    """Return the number of outputs along an axis, the first one's place on the grids, and what is padded to make them.

    On a grid of its own, each convolution is padded as "same", whatever the padding of the layer.
    """
    kernel, stride, dilation = _along(layer, axis)
    outputs, before, _ = find_window(layer.padding, size, kernel, stride, dilation)
    shift = before - (kernel - 1) // 2 * dilation
    lead, start = max(shift, 0), max(-shift, 0)
    trail = max(size + lead, start + outputs)
    return outputs, start, lead, trail + -trail % dilation - size - lead


def _space_to_batch(x: Any, height: int, width: int) -> Any:
    _, depth, rows, columns, channels = x.shape
    x = ops.reshape(x, (-1, depth, rows // height, height, columns // width, width, channels))
    x = ops.transpose(x, (0, 3, 5, 1, 2, 4, 6))
    return ops.reshape(x, (-1, depth, rows // height, columns // width, channels))


def _batch_to_space(x: Any, height: int, width: int) -> Any:
    _, depth, rows, columns, channels = x.shape
    x = ops.reshape(x, (-1, height, width, depth, rows, columns, channels))
    x = ops.transpose(x, (0, 3, 4, 1, 5, 2, 6))
    return ops.reshape(x, (-1, depth, rows * height, columns * width, channels))
