"""The ops that change a batch: those of TensorFlow, which tf.data needs on every backend, or of the Keras backend."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np

from medzoo import devices


def ops_of(*values: Any) -> ModuleType:
    """Return the functions for these tensors, named and called as in `keras.ops`.

    They are those of TensorFlow if any of the tensors is, or if it is the backend; else `keras.ops`.
    """
    has_tensors = any(type(value).__module__.startswith("tensorflow") for value in values)
    if has_tensors or keras.backend.backend() == "tensorflow":
        from medzoo.data.augment import tf_ops

        return tf_ops
    return keras.ops


def draw(make: Callable[[int, np.ndarray], dict[str, np.ndarray]], images: Any, seed: Any) -> dict[str, Any]:
    """Draw parameters for a batch of tensors, the same ones on every backend.

    Args:
        make: Returns named parameters `(count, ...)` for a number of images and a seed, with NumPy.
        images: `(batch, ...)`.
        seed: Two integers, shape `(2,)`.

    Returns:
        The parameters as tensors like the images.
    """
    ops = ops_of(images)
    if ops is not keras.ops:
        return ops.run_numpy(make, ops.shape(images)[0], seed)
    parameters = make(len(images), np.asarray(ops.convert_to_numpy(seed)))
    return {name: ops.convert_to_tensor(value) for name, value in parameters.items()}


def compiled(function: Callable) -> Callable:
    """Decorate a function of tensors so that XLA compiles it; on torch, and without XLA, the same ops run one by one.

    Eight gathers and their blending need a pass over memory each; fused they are seven times as fast. A function is
    compiled once for every shape and every choice of arguments that are None, in a few tenths of a second.

    Args:
        function: Takes tensors or None, no keywords.
    """

    @functools.cache
    def version(ops: ModuleType) -> Callable:
        return (devices if ops is keras.ops else ops).jit(function)

    @functools.wraps(function)
    def call(*tensors: Any) -> Any:
        return version(ops_of(*tensors))(*tensors)

    return call
