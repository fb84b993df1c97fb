"""Other ways to compute what stock Keras layers compute, for backends that are slow on the CPU.

A layer stays the stock one with its weights, its configuration and its file. Only its instance gets another
`convolution_op` or `call`, the methods that Keras documents to be overridden, so a fast model saves as a stock one.

Source: measured with `benchmarks/layers.py` and `benchmarks/networks.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import keras
from keras import layers, ops

from medzoo.graph.walk import flatten
from medzoo.models.fast.grouped import grouped_convolution
from medzoo.models.fast.volume import convolution_by_depth, max_pooling, pointwise_convolution

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
