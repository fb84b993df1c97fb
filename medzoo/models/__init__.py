"""Builders: functions that return functional Keras models of stock layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from medzoo.errors import unknown_name
from medzoo.models.unet import unet

BUILDERS = {"unet": unet}


def build(builder: Mapping[str, Any], input_shape: tuple[int, ...], outputs: int, activation: str) -> keras.Model:
    """Build the network that a recipe names.

    Args:
        builder: Name of a builder and its arguments.
        input_shape: Shape (height, width, channels) of the input.
        outputs: Number of output channels.
        activation: Activation of the output layer.

    Raises:
        ValueError: The builder is unknown, or refuses its arguments.
    """
    arguments = dict(builder)
    name = arguments.pop("name")
    if name not in BUILDERS:
        raise unknown_name("builder", name, BUILDERS)
    try:
        return BUILDERS[name](input_shape, outputs=outputs, activation=activation, **arguments)
    except TypeError as error:
        raise ValueError(f"The builder '{name}' does not take these arguments: {error}.") from error
