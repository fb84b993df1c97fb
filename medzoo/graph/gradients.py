"""Gradients of a network inside itself, on each backend; Keras has no gradient of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
from keras import activations, ops

from medzoo.graph.calls import Call, Graph, frontier, replay

# From inputs and the weights of the outputs to the features of a layer and their gradient.
LayerGradient = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def run_graph(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    """Return the outputs of a network in inference mode, for its input `(batch, ...)`."""
    with _unrecorded():
        return ops.convert_to_numpy(graph.run(ops.convert_to_tensor(inputs, "float32")))


def layer_gradient(graph: Graph, call: Call) -> LayerGradient:
    """Return a function that differentiates the outputs of a network with respect to what a layer gives.

    Where the network ends with a sigmoid or a softmax, the outputs are the logits in front of it, whose gradient does
    not vanish where the network is certain. Nothing is recorded in front of the layer, so memory holds the gradients
    behind it only. The network works as in inference and stays as it was.

    Args:
        graph: A network of one input and one output.
        call: One of its calls, which gives a single tensor.

    Returns:
        Function of the input `(batch, ...)` and of the weight of every output, of the shape of the outputs. It returns
        what the layer gives and the gradient of the weighted sum of the outputs with respect to it, both float32 of the
        shape of the layer's output.

    Example:
        >>> from medzoo.graph.calls import graph_of
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Identity(), keras.layers.Dense(1)])
        >>> graph = graph_of(model)
        >>> x, g = layer_gradient(graph, graph.calls[0])(np.ones((1, 2)), np.ones((1, 1)))
        >>> bool(np.allclose(g, model.get_weights()[0].T))
        True
    """
    end = graph.calls.index(call) + 1
    graph = with_logits(graph)
    before, behind = graph.calls[:end], graph.calls[end:]
    border = list(map(id, frontier(before, behind, graph)))
    features = id(before[-1].result)
    differentiate = _BACKENDS[keras.backend.backend()]

    def compute(inputs: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with _unrecorded():
            values = replay(before, {id(graph.input): ops.convert_to_tensor(inputs, "float32")})
        values = {tensor: values[tensor] for tensor in border}

        def outputs_of(activation: Any) -> Any:
            return replay(behind, {**values, features: activation})[id(graph.output)]

        activation = values[features]
        gradient = differentiate(outputs_of, activation, np.asarray(weights, np.float32))
        return _float32(activation), _float32(gradient)

    return compute


def with_logits(graph: Graph) -> Graph:
    """Return the network without the sigmoid or softmax of its last layer, whose weights are copied."""
    last = next(call for call in reversed(graph.calls) if call.result is graph.output)
    if getattr(last.layer, "activation", None) not in (activations.sigmoid, activations.softmax):
        return graph
    linear = type(last.layer).from_config({**last.layer.get_config(), "activation": "linear"})
    logits = linear(*last.args, **last.kwargs)
    linear.set_weights(last.layer.get_weights())
    renewed = Call(linear, last.args, last.kwargs, logits, last.ends)
    return Graph(graph.input, logits, [renewed if call is last else call for call in graph.calls])


def _unrecorded() -> AbstractContextManager:
    # Only torch records what it computes without being asked, which takes the memory of a training step.
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()


def _float32(tensor: Any) -> np.ndarray:
    return ops.convert_to_numpy(ops.cast(ops.stop_gradient(tensor), "float32"))


def _tensorflow(outputs_of: Callable[[Any], Any], activation: Any, weights: np.ndarray) -> Any:
    import tensorflow as tf

    # A layer that passes its input on gives the same tensor, which others may use too.
    activation = tf.identity(activation)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(activation)
        outputs = outputs_of(activation)
    return tape.gradient(outputs, activation, tf.cast(weights, outputs.dtype))


def _torch(outputs_of: Callable[[Any], Any], activation: Any, weights: np.ndarray) -> Any:
    import torch

    activation = activation.detach().requires_grad_(True)
    with torch.enable_grad():
        outputs = outputs_of(activation)
        (gradient,) = torch.autograd.grad(outputs, activation, ops.cast(weights, outputs.dtype))
    return gradient


def _jax(outputs_of: Callable[[Any], Any], activation: Any, weights: np.ndarray) -> Any:
    import jax

    outputs, pull = jax.vjp(outputs_of, activation)
    return pull(ops.cast(weights, outputs.dtype))[0]


_BACKENDS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}
