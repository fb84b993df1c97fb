"""Walking over the layers of a Keras model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

_STAGE = re.compile(r"stem|(?:stage|stride)_\d+")


def flatten(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield a layer, and of a model all layers in it, a model inside it before its own."""
    import keras

    yield layer
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from flatten(inner)


def stage_of(layer: keras.Layer) -> str | None:
    """Return the stage of an encoder that a layer is named after, such as `"stage_2"`; None for any other layer."""
    match = _STAGE.match(layer.name)
    return match and match[0]
