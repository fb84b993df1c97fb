"""Cutting a network in two: what a frozen encoder computes, and what is trained behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import keras
from keras import tree

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
    image, outputs, calls = _record(model)
    inside = _fixed(calls, image, frozen)
    outside = [call for call in calls if call not in inside]
    frontier = _frontier(image, inside, outside, tree.flatten(outputs))
    if not frontier or not any(call.layer_variables for call in inside) or not outside:
        return None
    encoder = keras.Model(image, _alone(frontier), name=f"{model.name}_encoder")
    return encoder, _replay(outside, frontier, outputs, f"{model.name}_head")


@dataclass(frozen=True, eq=False)
class _Call:
    """One use of a layer: what went in, what came out."""

    layer: keras.Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any

    @property
    def inputs(self) -> list[keras.KerasTensor]:
        return _tensors((self.args, self.kwargs))

    @property
    def outputs(self) -> list[keras.KerasTensor]:
        return _tensors(self.result)

    @property
    def layer_variables(self) -> list[Any]:
        """Weights and the states of random numbers."""
        return list(getattr(self.layer, "variables", ()))


def _record(model: keras.Model) -> tuple[keras.KerasTensor, Any, list[_Call]]:
    """Return the input, the outputs and the calls of a network that uses the layers of `model`, and of models in it."""
    network = keras.Model(model.input, model.output)
    while any(map(_is_graph, network.layers)):
        network = keras.models.clone_model(network, clone_function=_itself, call_function=_unfold)
    calls: list[_Call] = []

    def call(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        calls.append(_Call(layer, args, kwargs, layer(*args, **kwargs)))
        return calls[-1].result

    network = keras.models.clone_model(network, clone_function=_itself, call_function=call)
    return network.input, network.output, calls


def _is_graph(layer: keras.Operation) -> bool:
    return isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))


def _itself(layer: keras.Operation) -> keras.Operation:
    return layer


def _unfold(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
    # A functional model that is not called as a layer runs through its layers.
    return layer.call(*args) if _is_graph(layer) else layer(*args, **kwargs)


def _fixed(calls: list[_Call], image: keras.KerasTensor, frozen: Collection[str]) -> list[_Call]:
    """Return the calls that belong into the encoder."""
    constant = _reach(calls, image, lambda call: _is_constant(call.layer, frozen))
    needed: set[int] = set()
    for call in reversed(constant):
        if call.layer_variables or needed.intersection(map(id, call.outputs)):
            needed.update(map(id, (call, *call.inputs)))
    # Beyond that, what makes its input larger, such as upsampling, is cheap to compute and dear to keep.
    return _reach(constant, image, lambda call: id(call) in needed or _size(call.outputs) <= _size(call.inputs))


def _reach(calls: list[_Call], image: keras.KerasTensor, accept: Callable[[_Call], bool]) -> list[_Call]:
    """Return the accepted calls that see nothing but the image and each other's tensors."""
    known, found = {id(image)}, []
    for call in calls:
        if accept(call) and known.issuperset(map(id, call.inputs)):
            found.append(call)
            known.update(map(id, call.outputs))
    return found


def _is_constant(layer: keras.Operation, frozen: Collection[str]) -> bool:
    return all(stage_of(part) in frozen or not getattr(part, "variables", ()) for part in flatten(layer))


def _frontier(
    image: keras.KerasTensor, inside: list[_Call], outside: list[_Call], outputs: list[keras.KerasTensor]
) -> list[keras.KerasTensor]:
    """Return the tensors that pass from the inner calls to the outer ones, or out of the network, each once."""
    made = {id(image), *(id(tensor) for call in inside for tensor in call.outputs)}
    used = [tensor for call in outside for tensor in call.inputs] + outputs
    return list({id(tensor): tensor for tensor in used if id(tensor) in made}.values())


def _replay(calls: list[_Call], inputs: list[keras.KerasTensor], outputs: Any, name: str) -> keras.Model:
    """Return the model of the calls, from inputs of its own."""
    starts = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in inputs]
    new = dict(zip(map(id, inputs), starts, strict=True))

    def renew(value: Any) -> Any:
        return tree.map_structure(lambda part: new.get(id(part), part), value)

    for call in calls:
        result = call.layer(*renew(call.args), **renew(call.kwargs))
        new.update(zip(map(id, call.outputs), _tensors(result), strict=True))
    return keras.Model(_alone(starts), renew(outputs), name=name)


def _alone(tensors: list[keras.KerasTensor]) -> keras.KerasTensor | list[keras.KerasTensor]:
    # Keras warns of a list of one where a tensor is given, and the reverse.
    return tensors[0] if len(tensors) == 1 else tensors


def _tensors(value: Any) -> list[keras.KerasTensor]:
    return [part for part in tree.flatten(value) if isinstance(part, keras.KerasTensor)]


def _size(tensors: list[keras.KerasTensor]) -> int:
    return sum(math.prod(side or 1 for side in tensor.shape) for tensor in tensors)
