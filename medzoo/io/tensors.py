"""Tensors of a backend, which stand for arrays wherever a user passes them."""

from __future__ import annotations

from typing import Any

import numpy as np

_LIBRARIES = ("torch", "tensorflow", "jax", "jaxlib")


def as_array(value: Any) -> Any:
    """Return a tensor of torch, TensorFlow or JAX, on any device, as an array; anything else as it is.

    Example:
        >>> as_array("scan.png")
        'scan.png'
    """
    library = type(value).__module__.partition(".")[0]
    if library not in _LIBRARIES or not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return value
    if library == "torch":
        value = value.detach().cpu()
        # NumPy has no bfloat16.
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
