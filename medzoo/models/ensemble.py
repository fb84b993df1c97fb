"""Several networks of one kind as one: the mean of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from medzoo.models.fast import accelerate

MEMBER = "fold_{}"


def ensemble(
    input_shape: tuple[int | None, ...],
    outputs: int = 1,
    activation: str = "sigmoid",
    weights: str | None = None,
    members: int = 5,
    of: Mapping[str, Any] | None = None,
) -> keras.Model:
    """Build an ensemble: the same input for every member, and the mean of their outputs.

    The members are models inside the model, `fold_1`, `fold_2`, ..., each with its own weights; what the folds of a
    cross-validation learnt is given to them by `model.get_layer("fold_1").set_weights(...)`.

    Args:
        input_shape: Shape `(height, width, channels)` or `(depth, height, width, channels)` of the input.
        outputs: Number of outputs.
        activation: Activation of the output layer of each member.
        weights: Weights that the encoder of each member begins with.
        members: Number of members, at least 2.
        of: Builder of a member and its arguments, `{"name": "unet", "encoder": {...}}`; None for a classifier.

    Returns:
        Model from `(batch, *input_shape)` to what a member gives, in float32.

    Raises:
        ValueError: There are fewer than two members, or their builder is unknown or refuses its arguments.

    Example:
        >>> model = ensemble((64, 64, 1), members=3, of={"name": "classifier", "encoder": "resnet18"})
        >>> [layer.name for layer in model.layers]
        ['image', 'fold_1', 'fold_2', 'fold_3', 'predictions']

    Source: Lakshminarayanan et al., 2017 (arXiv 1612.01474).
    """
    if not isinstance(members, int) or members < 2:
        raise ValueError(f"`members` must be a whole number of at least 2. Received: members={members!r}.")
    networks = [_member(number, of, input_shape, outputs, activation, weights) for number in range(1, members + 1)]
    image = layers.Input(input_shape, name="image")
    # Named as the output of a member, by which other parts know what the network answers.
    mean = layers.Average(dtype="float32", name=networks[0].layers[-1].name)
    return accelerate(keras.Model(image, mean([network(image) for network in networks]), name="ensemble"))


def _member(number: int, of: Mapping[str, Any] | None, *arguments: Any) -> keras.Model:
    # The table of builders has a row for this one.
    from medzoo.models.builders import build

    network = build(of or {"name": "classifier"}, *arguments)
    return keras.Model(network.input, network.output, name=MEMBER.format(number))
