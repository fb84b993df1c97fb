"""Cutting a network in two: what a frozen encoder computes, and what is trained behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import keras
from keras import KerasTensor, tree

from medzoo.graph.calls import Call, Graph, frontier, graph_of, renewed, replay
from medzoo.graph.walk import flatten, stage_of


def split_frozen(model: keras.Model, frozen: Collection[str]) -> tuple[keras.Model, keras.Model] | None:
    """Cut a network where its frozen stages end: `head(encoder(x))` is `model(x)`.

    Fixed are the layers of the frozen stages, and layers without weights and without randomness (pooling, activation,
    padding) that see nothing but fixed tensors. Models inside the model are cut, too. Layers are shared, not copied: to
    train the head trains the model, and layers that were accelerated stay so. Dropout inside a frozen stage works as in
    inference: the encoder is not to be trained.

    Args:
        model: A functional network of one input.
        frozen: Names of the frozen stages, as `medzoo.graph.freezing.stages` lists them.

    Returns:
        (encoder, head): the encoder gives a tensor, or a list of several, which the head takes; the head gives the
        outputs of the model. None where no frozen layer can be cut off, or nothing would be left behind it.

    Example:
        >>> from medzoo.models.classifier import classifier
        >>> encoder, head = split_frozen(classifier((32, 32, 1)), ["stem", "stage_1", "stage_2", "stage_3", "stage_4"])
        >>> encoder.output_shape, [weight.path for weight in head.weights]
        ((None, 512), ['predictions/kernel', 'predictions/bias'])
    """
    graph = graph_of(model)
    inside = _fixed(graph, frozen)
    outside = [call for call in graph.calls if call not in inside]
    border = frontier(inside, outside, graph)
    if not border or not any(map(_variables, inside)) or not outside:
        return None
    encoder = keras.Model(graph.input, _alone(border), name=f"{model.name}_encoder")
    starts = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in border]
    values = replay(outside, dict(zip(map(id, border), starts, strict=True)))
    return encoder, keras.Model(_alone(starts), renewed(graph.output, values), name=f"{model.name}_head")


def _fixed(graph: Graph, frozen: Collection[str]) -> list[Call]:
    """Return the calls that belong into the encoder."""
    constant = _reach(graph.calls, graph, lambda call: _is_constant(call.layer, frozen))
    needed: set[int] = set()
    for call in reversed(constant):
        if _variables(call) or needed.intersection(map(id, call.outputs)):
            needed.update(map(id, (call, *call.inputs)))
    # Beyond that, what makes its input larger, such as upsampling, is cheap to compute and dear to keep.
    return _reach(constant, graph, lambda call: id(call) in needed or _size(call.outputs) <= _size(call.inputs))


def _reach(calls: list[Call], graph: Graph, accept: Callable[[Call], bool]) -> list[Call]:
    """Return the accepted calls that see nothing but the image and each other's tensors."""
    seen, reached = set(map(id, tree.flatten(graph.input))), []
    for call in calls:
        if accept(call) and seen.issuperset(map(id, call.inputs)):
            reached.append(call)
            seen.update(map(id, call.outputs))
    return reached


def _is_constant(layer: keras.Operation, frozen: Collection[str]) -> bool:
    return all(stage_of(part) in frozen or not getattr(part, "variables", ()) for part in flatten(layer))


def _variables(call: Call) -> list[Any]:
    """Return the weights of a call's layer and its states of random numbers."""
    return list(getattr(call.layer, "variables", ()))


def _alone(tensors: list[KerasTensor]) -> KerasTensor | list[KerasTensor]:
    # Keras warns of a list of one where a tensor is given, and the reverse.
    return tensors[0] if len(tensors) == 1 else tensors


def _size(tensors: list[KerasTensor]) -> int:
    return sum(math.prod(side or 1 for side in tensor.shape) for tensor in tensors)
