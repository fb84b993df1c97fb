"""The encoder of a zoo entry into another network's."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from medzoo.entry import read_entry
from medzoo.entry.safety import read_safely
from medzoo.graph.walk import flatten
from medzoo.preprocessing import Preprocessing
from medzoo.weights.transfer import fit_statistics, transfer, weights_by_name

if TYPE_CHECKING:
    import keras

# What is no encoder's: decoders and heads.
_ENCODER_LAYER = re.compile(r"(stem|stage_\d+|stride_\d+)_")


def load(encoder: keras.Model, name: str, folder: str | os.PathLike) -> None:
    """Assign the encoder's weights of a zoo entry, of whatever task; `load_weights` says what it raises."""
    import keras

    entry = read_safely(folder, "keras")
    source = keras.saving.load_model(entry.folder, compile=False)
    layers = [layer for layer in flatten(source) if _ENCODER_LAYER.match(layer.name)]
    weights = weights_by_name(layers, "{}/{}".format)
    arrays = {key: keras.ops.convert_to_numpy(weight) for key, weight in weights.items()}
    transfer(encoder, "{}/{}".format, arrays, str(folder), f"Is its encoder a '{name}'?", untrained=True)


def preprocessing(folder: str | os.PathLike, size: Sequence[int], channels: int) -> Preprocessing:
    """Return the Preprocessing of a zoo entry for another size and number of channels."""
    own = read_entry(folder, names=()).recipe.preprocessing
    mean, std = (values and fit_statistics(values, channels) for values in (own.mean, own.std))
    return replace(own, size=tuple(size), channels=channels, mean=mean, std=std)
