"""Other ways to compute what stock Keras convolutions compute, where a backend is slow on the CPU.

A layer stays the stock one with its weights, its configuration and its file; only its instance gets another
`convolution_op`, which Keras documents as the method to override. So a fast model saves as a stock one, and
`accelerate(model, enabled=False)` turns it into one.

Source: measured with `benchmarks/layers.py` and `benchmarks/networks.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
from keras import layers, ops

# A grouped convolution runs as dense ones of at least this many channels, and as at most this many convolutions.
_CHANNELS, _CHUNKS = 32, 16


def accelerate(model: keras.Layer, enabled: bool | str = "auto") -> keras.Layer:
    """Give the stock convolutions of a model their fast way to compute, or take it away.

    Args:
        model: Model, with all models inside it, or a single layer. If it contains a compiled model, what that compiled
            is dropped, and compiled again at the next step; so call this on the outermost model.
        enabled: `"auto"` for the layers that gain on this backend, on a CPU; True for all layers that have a fast way;
            False for none.

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
    backend = None if enabled is True else keras.backend.backend()
    usable = enabled is True or (enabled == "auto" and "cpu" in str(ops.zeros(1).device).lower())
    for layer in _flatten(model):
        vars(layer).pop("convolution_op", None)
        operation = _operation(layer, backend) if usable else None
        if operation is not None:
            layer.convolution_op = partial(operation, layer)
    return model


def _flatten(layer: keras.Layer) -> Iterator[keras.Layer]:
    if not isinstance(layer, keras.Model):
        yield layer
        return
    layer.train_function = layer.test_function = layer.predict_function = None
    for inner in layer.layers:
        yield from _flatten(inner)


def _operation(layer: keras.Layer, backend: str | None) -> Any:
    if type(layer) not in (layers.Conv2D, layers.Conv3D) or layer.data_format != "channels_last":
        return None
    if backend == "jax" and max(layer.kernel_size) == 1 and layer.groups == 1:
        return convolution_by_taps
    if layer.rank == 2:
        return grouped_convolution if layer.groups > 1 and backend != "torch" else None
    if layer.groups > 1:
        return None
    if backend in ("tensorflow", "torch"):
        return convolution_by_taps if max(layer.dilation_rate) > 2 else None
    return convolution_by_taps if max(layer.kernel_size) == 1 or max(layer.dilation_rate) > 1 else convolution_by_slices


def grouped_convolution(layer: layers.Conv2D, x: Any, kernel: Any) -> Any:
    """Convolve chunks of merged groups, each with a dense kernel that is zero outside its diagonal blocks."""
    groups, filters = layer.groups, layer.filters // layer.groups
    channels = x.shape[-1] // groups
    merged = max(-(-_CHANNELS // max(channels, filters)), -(-groups // _CHUNKS))
    # Split, not sliced: TensorFlow's gradient of a slice is as large as the whole.
    inputs = _split(x, merged * channels)
    kernels = _split(kernel, merged * filters)
    parts = [
        _convolve(layer, *part) for part in zip(inputs, map(partial(_block_diagonal, layer), kernels), strict=True)
    ]
    return ops.concatenate(parts, axis=-1)


def _split(x: Any, size: int) -> list:
    ends = list(range(size, x.shape[-1], size))
    return ops.split(x, ends, axis=-1) if ends else [x]


def _block_diagonal(layer: layers.Conv2D, kernel: Any) -> Any:
    *size, channels, filters = kernel.shape
    groups = filters * layer.groups // layer.filters
    mask = ops.repeat(ops.eye(groups, dtype=kernel.dtype), filters // groups, axis=-1)
    return ops.reshape(kernel[..., None, :, :] * mask[:, None], (*size, groups * channels, filters))


def convolution_by_slices(layer: layers.Conv3D, x: Any, kernel: Any) -> Any:
    """Add the 2D convolutions of the slices of the kernel, which move over the depth."""
    kernel, total = ops.convert_to_tensor(kernel), 0
    for index in range(layer.kernel_size[0]):
        move, padding = _move(layer, 0, x.shape[1], index)
        if move.start < move.stop:
            part = x[:, move]
            planes = _convolve(layer, ops.reshape(part, (-1, *x.shape[2:])), kernel[index])
            planes = ops.reshape(planes, (-1, part.shape[1], *planes.shape[1:]))
            total = total + ops.pad(planes, ((0, 0), padding, (0, 0), (0, 0), (0, 0)))
    return total


def _convolve(layer: layers.Layer, x: Any, kernel: Any) -> Any:
    return ops.conv(x, kernel, layer.strides[-2:], layer.padding, layer.data_format, layer.dilation_rate[-2:])


def convolution_by_taps(layer: layers.Conv3D, x: Any, kernel: Any) -> Any:
    """Add the matrix products of the taps of the kernel, which move over the input and skip its padding."""
    if None in x.shape[1:]:
        return type(layer).convolution_op(layer, x, kernel)
    # TensorFlow adds up one gradient of the size of the whole kernel for every index into it, but not for `unstack`.
    taps = ops.unstack(ops.reshape(kernel, (-1, *kernel.shape[-2:])))
    total = 0
    for tap, matrix in zip(itertools.product(*map(range, layer.kernel_size)), taps, strict=True):
        moves = [_move(layer, axis, x.shape[axis + 1], index) for axis, index in enumerate(tap)]
        if all(move.start < move.stop for move, _ in moves):
            part = x[:, *(move for move, _ in moves)]
            rows = ops.matmul(ops.reshape(part, (-1, x.shape[-1])), matrix)
            rows = ops.reshape(rows, (-1, *part.shape[1:-1], layer.filters))
            total = total + ops.pad(rows, ((0, 0), *(pad for _, pad in moves), (0, 0)))
    return total


def _move(layer: layers.Layer, axis: int, size: int, index: int) -> tuple[slice, tuple[int, int]]:
    """Return what a tap of the kernel reads along an axis, and how many outputs before and after it gets nothing."""
    kernel, stride, dilation = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
    reach = (kernel - 1) * dilation
    outputs = -(-size // stride) if layer.padding == "same" else (size - reach - 1) // stride + 1
    before = max((outputs - 1) * stride + reach + 1 - size, 0) // 2 if layer.padding == "same" else 0
    shift = index * dilation - before
    first = max(0, -(shift // stride))
    last = min(outputs, (size - 1 - shift) // stride + 1)
    start = first * stride + shift
    return slice(start, (last - 1) * stride + shift + 1, stride), (first, outputs - last)
