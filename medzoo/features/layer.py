"""Which layer of a network is looked at."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medzoo.errors import unknown_name
from medzoo.graph import stage_of

if TYPE_CHECKING:
    import keras

    from medzoo.gradients import Call


def find_layer(calls: Sequence[Call], shape: tuple[int, ...], name: str | None, is_dense: bool = False) -> keras.Layer:
    """Return a layer by its name or the last of the encoder at a stride (`"stride_16"`).

    For None it is the last of the encoder, or of a network that answers every pixel the last before its output: the
    deep features of a UNet have little to do with single pixels.

    The encoder is known by the names of its layers; in a network of others it is all up to the last layer at the
    largest stride.

    Args:
        calls: The layers of the network in the order in which they are run, as `run_layers` lists them.
        shape: Shape of the network's input, the batch included.
        name: What is looked for.
        is_dense: Whether the network answers every pixel.

    Raises:
        ValueError: There is no such layer (near matches are in the message), or it gives no map of features.
    """
    named = {call.layer.name: call for call in calls}
    if name in named:
        return _with_map(named[name], shape)
    if name is None and is_dense:
        *_, last, _ = (call for call in calls if len(call.shape) == len(shape))
        return last.layer
    strides = _encoder_by_stride(calls, shape)
    if name is None:
        return strides[max(strides)]
    known = {f"stride_{stride}": layer for stride, layer in strides.items()}
    if name not in known:
        # A network has hundreds of layers, too many for a message.
        near = difflib.get_close_matches(name, named, n=5, cutoff=0.5)
        raise unknown_name("layer", name, [*near, *known], "List all with: model.summary(expand_nested=True)")
    return known[name]


def _with_map(call: Call, shape: tuple[int, ...]) -> keras.Layer:
    if len(call.shape) != len(shape):
        raise ValueError(
            f"The layer '{call.layer.name}' gives the shape {call.shape}, which is no map of the image. "
            'Name a layer in front of the pooling, or a stride such as "stride_16".'
        )
    return call.layer


def _encoder_by_stride(calls: Sequence[Call], shape: tuple[int, ...]) -> dict[int, keras.Layer]:
    """Return the last layer of the encoder at each stride."""
    # One pixel is what attention gives that weighs channels.
    maps = [call for call in calls if len(call.shape) == len(shape) and max(call.shape[1:-1]) > 1]
    maps = [call for call in maps if stage_of(call.layer)] or maps
    if not maps:
        raise ValueError("The network has no layer that gives a map of the image, so there is nothing to draw.")
    strides = _strides(maps, shape)
    last = max(range(len(maps)), key=lambda index: (strides[index], index))
    return {strides[index]: maps[index].layer for index in range(last + 1)}


def _strides(maps: Sequence[Call], shape: tuple[int, ...]) -> list[int]:
    axis = max(range(1, len(shape) - 1), key=lambda axis: shape[axis])
    size, exponent, strides = shape[axis], 0, []
    for call in maps:
        # From one map to the next, since rounding an odd size adds up over many.
        exponent += round(math.log2(size / call.shape[axis]))
        size = call.shape[axis]
        strides.append(2 ** max(exponent, 0))
    return strides
