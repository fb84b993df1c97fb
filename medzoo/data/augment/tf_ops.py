"""The part of `keras.ops` that the augmentation needs, for tensors of TensorFlow on every Keras backend.

It is the only module of the augmentation that imports TensorFlow, and is imported only when there are such tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import (
    abs,
    cast,
    convert_to_tensor,
    exp,
    floor,
    maximum,
    minimum,
    reshape,
    roll,
    tensordot,
    where,
    zeros,
)

__all__ = [
    "abs",
    "arange",
    "bitwise_and",
    "bitwise_right_shift",
    "bitwise_xor",
    "cast",
    "clip",
    "convert_to_tensor",
    "erfinv",
    "exp",
    "floor",
    "log",
    "max",
    "maximum",
    "min",
    "minimum",
    "reshape",
    "roll",
    "shape",
    "take",
    "tensordot",
    "where",
    "zeros",
]

clip, take, max, min = tf.clip_by_value, tf.gather, tf.reduce_max, tf.reduce_min
erfinv, log = tf.math.erfinv, tf.math.log
bitwise_and, bitwise_xor, bitwise_right_shift = tf.bitwise.bitwise_and, tf.bitwise.bitwise_xor, tf.bitwise.right_shift


def arange(stop: int | tf.Tensor, dtype: str = "int32") -> tf.Tensor:
    """Return the whole numbers below `stop`."""
    return tf.cast(tf.range(stop), dtype)


def shape(tensor: tf.Tensor) -> tuple[int | tf.Tensor, ...]:
    """Return the lengths of the axes: numbers where the graph has them, else tensors."""
    return tuple(tf.shape(tensor)[axis] if length is None else length for axis, length in enumerate(tensor.shape))


def run_numpy(
    make: Callable[[int, np.ndarray], dict[str, np.ndarray]], count: int | tf.Tensor, seed: Any
) -> dict[str, tf.Tensor]:
    """Call a function of NumPy that returns named arrays `(count, ...)`, also inside of a graph."""
    example = make(1, np.zeros(2, np.int64))
    if not example:
        return {}
    types = [array.dtype for array in example.values()]
    inputs = (count, tf.cast(seed, tf.int64))
    tensors = tf.numpy_function(lambda *drawn: list(make(*drawn).values()), inputs, types, stateful=False)
    # Outside of a graph one tensor comes without its list.
    tensors = tf.nest.flatten(tensors)
    for tensor, array in zip(tensors, example.values(), strict=True):
        tensor.set_shape((None, *array.shape[1:]))
    return dict(zip(example, tensors, strict=True))


def jit(function: Callable) -> Callable:
    """Let XLA compile a function of tensors; without XLA the same ops run one after the other."""
    fast = tf.function(function, jit_compile=True, autograph=False)
    return lambda *tensors: (fast if has_xla() else function)(*tensors)


@functools.cache
def has_xla() -> bool:
    """Return whether this TensorFlow compiles for the processor; some builds do not."""
    try:
        # Outside of the graph that tf.data may be tracing now.
        with tf.init_scope(), tf.device("CPU"):
            tf.function(lambda number: number + 1, jit_compile=True, autograph=False)(tf.constant(1))
    except (tf.errors.OpError, ValueError):
        return False
    return True
