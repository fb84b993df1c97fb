"""The calls of a Keras network: listed in their order, run again on other tensors, and rebuilt with other settings.

Everything that cuts a network, looks into it or runs a part of it is made of these. Keras lists calls only while it
clones a model, so that is how they are listed; the layers are those of the network, not copies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras import KerasTensor, tree


@dataclass(frozen=True, eq=False)
class Call:
    """One use of a layer in a network.

    Args:
        layer: The layer, or an operation such as a sum.
        args: What it is given, in which tensors are symbolic.
        kwargs: What it is given by name.
        result: What it gives: a symbolic tensor, or a structure of several.
        ends: Names of the models in the network that give this result.
    """

    layer: keras.Operation
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Any
    ends: tuple[str, ...] = ()

    @property
    def inputs(self) -> list[KerasTensor]:
        """The tensors that go in."""
        return _tensors((self.args, self.kwargs))

    @property
    def outputs(self) -> list[KerasTensor]:
        """The tensors that come out."""
        return _tensors(self.result)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Shape of the result, the batch included; () where it is no single tensor."""
        return tuple(self.result.shape) if isinstance(self.result, KerasTensor) else ()


@dataclass(frozen=True, eq=False)
class Graph:
    """A network as its calls.

    Args:
        input: Its symbolic input, or a structure of several.
        output: Its symbolic output, or a structure of several.
        calls: Its calls in an order in which they can run.
    """

    input: Any
    output: Any
    calls: list[Call]

    def run(self, inputs: Any, call: Callable[..., Any] | None = None) -> Any:
        """Return what the network makes of `inputs`, a structure like its own; `call` is as in `replay`."""
        starts = zip(map(id, tree.flatten(self.input)), tree.flatten(inputs), strict=True)
        return renewed(self.output, replay(self.calls, dict(starts), call))


def graph_of(model: keras.Model, input_shape: tuple[int | None, ...] | None = None) -> Graph:
    """List the calls of a network; models in it are replaced by their own calls.

    Args:
        model: A functional or sequential model.
        input_shape: Shape of the only input without the batch, to know the sizes that the network leaves open.

    Example:
        >>> image = keras.Input((4,))
        >>> graph = graph_of(keras.Model(image, keras.layers.Dense(2, name="dense")(image)))
        >>> [(call.layer.name, call.shape) for call in graph.calls]
        [('dense', (None, 2))]
    """
    graph = _outer_graph(model, input_shape)
    if not any(_is_graph(call.layer) for call in graph.calls):
        return graph
    calls: list[Call] = []

    def run(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        if not _is_graph(layer):
            calls.append(Call(layer, args, kwargs, layer(*args, **kwargs)))
            return calls[-1].result
        result = _outer_graph(layer).run(args[0], run)
        calls[:] = [replace(call, ends=(*call.ends, layer.name)) if call.result is result else call for call in calls]
        return result

    return Graph(graph.input, graph.run(graph.input, run), calls)


def replay(calls: Iterable[Call], values: Mapping[int, Any], call: Callable[..., Any] | None = None) -> dict[int, Any]:
    """Run calls on other tensors, symbolic ones or numbers.

    Args:
        calls: The calls, each behind those whose results it takes.
        values: What stands for each tensor that they begin with, by the tensor's `id`.
        call: Called as `call(layer, *args, **kwargs)` instead of the layer.

    Returns:
        What stands for each tensor, those of `values` included, by the tensor's `id`.
    """
    values = dict(values)
    for one in calls:
        args, kwargs = renewed((one.args, one.kwargs), values)
        result = one.layer(*args, **kwargs) if call is None else call(one.layer, *args, **kwargs)
        pairs = zip(tree.flatten(one.result), tree.flatten(result), strict=True)
        values.update((id(old), new) for old, new in pairs if isinstance(old, KerasTensor))
    return values


def renewed(structure: Any, values: Mapping[int, Any]) -> Any:
    """Return a structure in which `values` stand for tensors by their `id`; what has none stays."""
    return tree.map_structure(lambda part: values.get(id(part), part), structure)


def frontier(inside: Iterable[Call], outside: Iterable[Call], graph: Graph) -> list[KerasTensor]:
    """Return the tensors that pass from the inner calls to the outer ones, or out of the network, each once."""
    made = {*map(id, tree.flatten(graph.input)), *(id(tensor) for call in inside for tensor in call.outputs)}
    used = [tensor for call in outside for tensor in call.inputs] + tree.flatten(graph.output)
    return list({id(tensor): tensor for tensor in used if id(tensor) in made}.values())


def rebuild(
    network: keras.Model,
    settings: Callable[[keras.Operation], Mapping[str, Any]] = lambda layer: {},
    image: KerasTensor | None = None,
    keep: Callable[[keras.Operation], bool] = lambda layer: True,
    call: Callable[..., Any] | None = None,
) -> keras.Model:
    """Copy a network, with the models in it, and change settings of its layers.

    Args:
        network: A functional or sequential model.
        settings: Returns what a layer has in the copy instead of its own settings.
        image: Input of the copy; None for one like the network's.
        keep: Tells whether a layer of the copy has the weights of the network's; if not, it begins with new ones.
        call: As in `replay`; a model in the network is then one layer, which Keras cannot call differently inside.

    Returns:
        The copy, whose layers are new ones.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
        >>> rebuild(model, lambda layer: {"activation": "relu"}).get_layer("dense").activation.__name__
        'relu'
    """
    pairs = []

    def copy(layer: keras.Operation) -> keras.Operation:
        pairs.append((layer, type(layer).from_config({**layer.get_config(), **settings(layer)})))
        return pairs[-1][1]

    rebuilt = keras.models.clone_model(network, image, copy, call, recursive=call is None)
    for old, new in pairs:
        # A bare operation, such as a product, has no weights.
        if isinstance(old, keras.Layer) and keep(old):
            new.set_weights(old.get_weights())
    return rebuilt


def _outer_graph(model: keras.Model, input_shape: tuple[int | None, ...] | None = None) -> Graph:
    """Return the graph of a network in which a model is a call like any other."""
    start = model.inputs[0] if len(model.inputs) == 1 else model.input
    end = model.outputs[0] if isinstance(model, keras.Sequential) else model.output
    image = None if input_shape is None else keras.Input(input_shape, name=model.inputs[0].name)
    calls: list[Call] = []

    def note(layer: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        calls.append(Call(layer, args, kwargs, layer(*args, **kwargs)))
        return calls[-1].result

    # A plain model, since a subclass is cloned by a constructor of its own, and a compiled one is compiled again.
    network = keras.models.clone_model(keras.Model(start, end), image, lambda layer: layer, note)
    return Graph(network.input, network.output, calls)


def _is_graph(layer: keras.Operation) -> bool:
    return isinstance(layer, keras.Sequential) or (isinstance(layer, keras.Model) and hasattr(layer, "operations"))


def _tensors(structure: Any) -> list[KerasTensor]:
    return [part for part in tree.flatten(structure) if isinstance(part, KerasTensor)]
