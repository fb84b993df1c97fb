"""Gradients of a network inside itself, on each backend; Keras has no gradient of its own.

Functional models are run layer by layer, so it is enough to replace the `call` of one instance for one forward pass to
see, or to cut, what flows through it: nested in other models or not, frozen or not, and also where `accelerate` has
replaced that `call` already. The network stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import activations, ops

from medzoo.graph.walk import flatten

_MISSING = object()


class Call(NamedTuple):
    """A layer that was run, and the shape of what it gave, the batch included."""

    layer: keras.Layer
    shape: tuple[int, ...]


def run_layers(model: keras.Model, inputs: np.ndarray) -> tuple[np.ndarray, list[Call]]:
    """Run a network in inference mode and list its layers in the order in which they were run.

    Args:
        model: Functional model of one input and one output.
        inputs: Its input, `(batch, ...)`.

    Returns:
        The outputs, and a `Call` for each time that a layer gave a tensor; a model in the model follows its layers.
    """
    calls: list[Call] = []

    def note(layer: keras.Layer, outputs: Any) -> Any:
        if hasattr(outputs, "shape"):
            calls.append(Call(layer, tuple(outputs.shape)))
        return outputs

    inner = {id(layer): layer for layer in flatten(model) if layer is not model}
    with _unrecorded(), _observed(inner.values(), note):
        outputs = model(ops.convert_to_tensor(inputs, "float32"), training=False)
    return ops.convert_to_numpy(outputs), calls


def activation_and_gradient(
    model: keras.Model, layer: keras.Layer, inputs: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a layer gives, and the gradient with respect to it of the weighted sum of the network's outputs.

    Where the network ends with a sigmoid or a softmax, the outputs are the logits in front of it, whose gradient does
    not vanish where the network is certain. Of a layer that is used several times, the last use counts. Nothing is
    recorded in front of the layer, so memory holds the gradients behind it only.

    Args:
        model: Functional model of one input and one output.
        layer: One of its layers, at any depth.
        inputs: Input of the network, `(batch, ...)`.
        weights: Weight of every output, of the shape of the outputs.

    Returns:
        Two float32 arrays of the shape of the layer's output.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Identity(), keras.layers.Dense(1)])
        >>> x, g = activation_and_gradient(model, model.layers[0], np.ones((1, 2)), np.ones((1, 1)))
        >>> bool(np.allclose(g, model.get_weights()[0].T))
        True
    """
    run = _RUNS[keras.backend.backend()]
    with logits_as_outputs(model):
        pair = run(model, layer, ops.convert_to_tensor(inputs, "float32"), np.asarray(weights, np.float32))
    return tuple(ops.convert_to_numpy(ops.cast(ops.stop_gradient(part), "float32")) for part in pair)


@contextmanager
def logits_as_outputs(model: keras.Model) -> Iterator[None]:
    """Let a network give its logits for as long as the block runs, if its last layer has a sigmoid or a softmax."""
    layer = _last_layer(model)
    if getattr(layer, "activation", None) not in (activations.sigmoid, activations.softmax):
        yield
        return
    with _overridden(layer, "activation", activations.linear):
        yield


def _unrecorded() -> AbstractContextManager:
    # Only torch records what it computes without being asked, which takes the memory of a training step.
    if keras.backend.backend() != "torch":
        return nullcontext()
    import torch

    return torch.no_grad()


def _last_layer(model: keras.Model) -> Any:
    operation, _, index = model.outputs[0]._keras_history
    while isinstance(operation, keras.Model):
        operation, _, index = operation.outputs[index]._keras_history
    return operation


def _tensorflow(model: keras.Model, layer: keras.Layer, inputs: Any, weights: np.ndarray) -> tuple[Any, Any]:
    import tensorflow as tf

    seen = []

    def watch(_: keras.Layer, outputs: Any) -> Any:
        tape.watch(outputs)
        seen.append(outputs)
        return outputs

    with tf.GradientTape(watch_accessed_variables=False) as tape, _observed([layer], watch):
        outputs = model(inputs, training=False)
    return seen[-1], tape.gradient(outputs, seen[-1], tf.cast(weights, outputs.dtype))


def _torch(model: keras.Model, layer: keras.Layer, inputs: Any, weights: np.ndarray) -> tuple[Any, Any]:
    import torch

    seen = []

    def cut(_: keras.Layer, outputs: Any) -> Any:
        # From here on, whatever the block below says.
        torch.set_grad_enabled(True)
        seen.append(outputs.detach().requires_grad_(True))
        return seen[-1]

    with torch.no_grad(), _observed([layer], cut):
        outputs = model(inputs, training=False)
        (gradient,) = torch.autograd.grad(outputs, seen[-1], ops.cast(weights, outputs.dtype))
    return seen[-1], gradient


def _jax(model: keras.Model, layer: keras.Layer, inputs: Any, weights: np.ndarray) -> tuple[Any, Any]:
    import jax

    def run(delta: Any, uses: int) -> tuple[Any, list]:
        seen = []

        def add(_: keras.Layer, outputs: Any) -> Any:
            seen.append(outputs)
            return outputs + delta if len(seen) == uses else outputs

        with _observed([layer], add):
            return model(inputs, training=False), seen

    # Shapes only, to know the last use of the layer; nothing is computed.
    _, uses = jax.eval_shape(lambda: run(None, 0))
    zeros = ops.zeros(uses[-1].shape, uses[-1].dtype)
    outputs, pull, seen = jax.vjp(lambda delta: run(delta, len(uses)), zeros, has_aux=True)
    return seen[-1], pull(ops.cast(weights, outputs.dtype))[0]


_RUNS = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}


@contextmanager
def _observed(layers: Iterable[keras.Layer], look: Callable[[keras.Layer, Any], Any]) -> Iterator[None]:
    """Let the outputs of every call of these layers be what `look(layer, outputs)` makes of them."""

    def observe(layer: keras.Layer, call: Callable) -> Callable:
        return lambda *args, **kwargs: look(layer, call(*args, **kwargs))

    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_overridden(layer, "call", observe(layer, layer.call)))
        yield


@contextmanager
def _overridden(layer: keras.Layer, name: str, value: Any) -> Iterator[None]:
    """Give the instance another attribute, and what it had in the end."""
    before = vars(layer).get(name, _MISSING)
    setattr(layer, name, value)
    try:
        yield
    finally:
        if before is _MISSING:
            vars(layer).pop(name)
        else:
            setattr(layer, name, before)
