"""A trained network for other labels: all of it but its last layer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras

from medzoo.graph.calls import rebuild
from medzoo.recipe import Recipe
from medzoo.task import Task
from medzoo.zoo_model import ZooModel

_log = logging.getLogger("medzoo")


def replace_head(model: Any, labels: int | Sequence[str], source: str | None = None) -> ZooModel:
    """Give a model a new last layer for other labels, to fine-tune it; all other weights are kept.

    The recipe keeps what describes network and training and drops what speaks of the old labels: weights of classes,
    threshold, temperature, the expected score, the evaluation and the words of the card, in which `base_model` says
    where the weights come from. What was replaced is logged.

    Args:
        model: Model of a `Segmentation` or `Classification`, or of a `FeatureExtraction`, which becomes a
            classification.
        labels: Names in the order of their index, of a segmentation the background first; or how many there are.
        source: Where the model comes from, for the card; None for the name of its recipe.

    Returns:
        The new model, uncompiled.

    Raises:
        ValueError: There are fewer than two labels, the model answers none, or its network ends in a way that leaves
            open what its head is.

    Example:
        >>> model = medzoo.load("brain-tumor-unet")
        >>> replace_head(model, 3).task.labels
        ('background', 'label_1', 'label_2')
    """
    task = _task(model, labels)
    network = _renewed(model.network, task) if model.task.outputs else _extended(model.network, task)
    new = ZooModel.wrap(network, _recipe(model.recipe, task, source or model.recipe.name))
    _tell(model, new)
    return new


def _task(model: Any, labels: int | Sequence[str]) -> Task:
    task = model.task.with_labels(labels) if isinstance(model, ZooModel) else None
    if task is None:
        what = f"a network for {model.task.name}" if isinstance(model, ZooModel) else "an estimator on features"
        raise ValueError(f"`labels` need a network that answers labels; '{model.name}' is {what}. Leave them out.")
    return task


def _heads(network: keras.Model) -> Iterator[keras.Layer]:
    """Yield the layer that answers; of an ensemble that of each member."""
    last = next(layer for layer in reversed(network.layers) if layer.weights)
    if not isinstance(last, keras.Model):
        yield last
        return
    for layer in network.layers:
        if isinstance(layer, keras.Model) and layer.output_shape == last.output_shape:
            yield from _heads(layer)


def _renewed(network: keras.Model, task: Task) -> keras.Model:
    """Return a copy of a network, with the models inside it, that has new heads."""
    heads = list(_heads(network))
    return rebuild(
        network,
        lambda layer: _head_settings(layer, task) if layer in heads else {},
        keep=lambda layer: layer not in heads,
    )


def _head_settings(head: keras.Layer, task: Task) -> dict[str, Any]:
    config = head.get_config()
    size = next((key for key in ("units", "filters") if key in config), None)
    if size is None or config.get("activation") not in ("sigmoid", "softmax"):
        raise ValueError(
            f"Expected a network that ends in a dense layer or a convolution with a sigmoid or softmax. Received: "
            f"{type(head).__name__} '{head.name}'. Build the new head with Keras."
        )
    return {size: task.outputs, "activation": task.activation}


def _extended(network: keras.Model, task: Task) -> keras.Model:
    head = keras.layers.Dense(task.outputs, activation=task.activation, dtype="float32", name="predictions")
    return keras.Model(network.input, head(network.output), name=network.name)


def _recipe(recipe: Recipe, task: Task, source: str) -> Recipe:
    balance = {key: value for key, value in recipe.balance.items() if not isinstance(value, Mapping)}
    return replace(recipe, task=task, balance=balance, expected={}, card={"base_model": source})


def _tell(old: ZooModel, new: ZooModel) -> None:
    heads = list(_heads(new.network))
    _log.warning(
        "%s a new head '%s' of %d output(s) for %s: its %d weights start at random. The evaluation and the card of "
        "'%s' do not hold for it and were dropped.",
        f"Replaced the head for {', '.join(old.task.labels)} by" if old.task.outputs else "Added",
        heads[0].name,
        new.task.outputs,
        ", ".join(new.task.labels),
        sum(head.count_params() for head in heads),
        old.recipe.name,
    )
