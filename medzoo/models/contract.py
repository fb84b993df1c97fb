"""What a recipe asks of a network: its input, its outputs, and probabilities where labels are chosen."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from medzoo.graph.logits import plain_activation
from medzoo.recipe import Recipe

# Rounding of a network in half precision.
_TOLERANCE = 1e-2
_ACTIVATIONS = ("linear", "sigmoid", "softmax")


def check_functional(network: Any) -> None:
    """Refuse what is no Keras network of one input and one output.

    Raises:
        TypeError: It is no Keras model.
        ValueError: It has other inputs or outputs, or none yet.
    """
    if not isinstance(network, keras.Model):
        raise TypeError(f"`network` must be a Keras model. Received: {type(network).__name__}.")
    try:
        counts = [len(network.inputs or ()), len(network.outputs or ())]
    except (AttributeError, ValueError):
        counts = [0, 0]
    if counts != [1, 1]:
        raise ValueError(
            "`network` must be a functional or sequential Keras model with one input and one output. Received: "
            f"'{network.name}' with {counts[0]} and {counts[1]}. Build it with keras.Model(input, output)."
        )


def check_network(network: keras.Model, recipe: Recipe) -> None:
    """Refuse a functional network that does not fit a recipe.

    Raises:
        ValueError: The shape of its input or output, or its last activation, is not what the recipe asks for.
    """
    task, size = recipe.task, recipe.preprocessing.input_shape
    shape = tuple(network.input_shape[1:])
    if not _fits(shape, size):
        raise ValueError(
            f"The input of '{network.name}' must fit the preprocessing of the recipe, {size}. Received: {shape}. "
            "Change the size or channels of Preprocessing, or the network."
        )
    if not task.outputs:
        return
    known = tuple(ours or theirs for ours, theirs in zip(shape[:-1], size[:-1], strict=True))
    expected = (*(known if task.is_dense else ()), task.outputs)
    shape = tuple(network.output_shape[1:])
    if not _fits(shape, expected):
        raise ValueError(
            f"The output of '{network.name}' must be {expected} for a {task.name} of {', '.join(task.labels):.80}"
            f"{' (one sigmoid output for two labels)' if task.is_binary else ''}. Received: {shape}."
        )
    _check_activation(network, recipe)


def _fits(shape: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    """Return whether a shape is `expected` wherever it says a size; channels must be said."""
    pairs = zip(shape, expected, strict=False)
    return (
        len(shape) == len(expected) and all(ours in (None, theirs) for ours, theirs in pairs) and shape[-1:] != (None,)
    )


def _check_activation(network: keras.Model, recipe: Recipe) -> None:
    expected, found = recipe.task.activation, _activation(network)
    if expected == "linear":
        # A number may be bounded by any activation but this, which of one output makes 1.
        is_right = found != "softmax"
    else:
        is_right = found == expected if found else _gives_probabilities(network, recipe)
    if not is_right:
        raise ValueError(
            f"'{network.name}' must end in a {expected} for a {recipe.task.name} of {recipe.task.outputs} output(s). "
            f"Received: {found or 'other numbers'}. For logits write "
            f"keras.Model(network.input, keras.layers.Activation('{expected}')(network.output))."
        )


def _activation(network: keras.Model) -> str | None:
    """Return the name of the activation that a network ends in; None where its last layer does not say."""
    last = network.operations[-1]
    if isinstance(last, keras.Model):
        return _activation(keras.Model(last.inputs, last.outputs))
    if isinstance(last, keras.layers.Average):
        members = {_activation(keras.Model(one.inputs, one.outputs)) for one in _models(network)}
        return members.pop() if len(members) == 1 else None
    name = getattr(plain_activation(last), "__name__", type(last).__name__.lower())
    has_activation = hasattr(last, "activation") or name in _ACTIVATIONS
    return name if has_activation else None


def _models(network: keras.Model) -> list[keras.Model]:
    return [layer for layer in network.layers if isinstance(layer, keras.Model)]


def _gives_probabilities(network: keras.Model, recipe: Recipe) -> bool:
    """Return whether the answers to random images are probabilities, for networks whose last layer does not say it."""
    images = np.random.default_rng(0).normal(size=(2, *recipe.preprocessing.input_shape)).astype(np.float32)
    answers = ops.convert_to_numpy(ops.cast(network(images, training=False), "float32"))
    sums = answers.sum(axis=-1) if recipe.task.outputs > 1 else np.ones(1)
    in_range = answers.min() >= -_TOLERANCE and answers.max() <= 1 + _TOLERANCE
    return bool(in_range and np.abs(sums - 1).max() <= _TOLERANCE)
