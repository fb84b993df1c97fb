"""Walking over the layers of a Keras model."""

from __future__ import annotations

from collections.abc import Iterator

import keras


def flatten(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield a layer, and of a model all layers in it, a model inside it before its own."""
    yield layer
    if isinstance(layer, keras.Model):
        for inner in layer.layers:
            yield from flatten(inner)
