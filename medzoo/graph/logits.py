"""The logits behind the probabilities of a network, for losses: in float32 a sigmoid is 1 from a logit of 17 on.

Keras's activations leave them on the tensor that they return, as `_keras_logits`. Tensors of JAX take no attributes, so
there the layers of a model note what their activation made last.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from medzoo.graph.walk import flatten

_ACTIVATIONS = (keras.activations.sigmoid, keras.activations.softmax)
# The last activation of each thread and its input. A step is traced from the network to the loss in one go.
_last = threading.local()


def note_logits(model: keras.Layer) -> keras.Layer:
    """Let the layers of a model that end in a sigmoid or a softmax note their logits where tensors cannot.

    A layer computes and saves what it did before. The same model is returned.
    """
    if keras.backend.backend() == "jax":
        for layer in flatten(model):
            if getattr(layer, "activation", None) in _ACTIVATIONS:
                layer.activation = _noting(layer.activation)
    return model


def logits_of(probabilities: Any) -> Any | None:
    """Return the logits that a sigmoid or a softmax made these probabilities of; None where that is not known."""
    logits = getattr(probabilities, "_keras_logits", None)
    if logits is None and getattr(_last, "probabilities", None) is probabilities:
        logits = _last.logits
    return None if logits is None else ops.cast(logits, probabilities.dtype)


def plain_activation(layer: keras.Operation) -> Callable | None:
    """Return the activation of a layer as Keras has it; None without one."""
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__wrapped__", activation)


def _noting(activation: Callable) -> Callable:
    # By `wraps` it has the name by which Keras saves it.
    @functools.wraps(activation)
    def noted(x: Any, *args: Any, **kwargs: Any) -> Any:
        probabilities = activation(x, *args, **kwargs)
        _last.probabilities, _last.logits = probabilities, x
        return probabilities

    return noted
