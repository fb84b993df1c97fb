"""Checkpoints of torch's ResNets: torchvision's names, which MedicalNet, timm and segmentation_models.pytorch share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from medzoo.weights.transfer import transfer

if TYPE_CHECKING:
    import keras

_LAYER = re.compile(r"(?:stem|stage_(?P<stage>\d)_block_(?P<block>\d+)_(?P<part>\d|shortcut))_(?P<kind>conv|bn)")
_WEIGHTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# Classifiers, and the number of batches that the statistics of a BatchNorm were taken from.
_SKIPPED = re.compile(r"(fc|conv_seg)\.|.*\.num_batches_tracked$")
# Blocks of the four stages, and whether a block has three convolutions.
_DEPTHS = {
    ((1, 1, 1, 1), False): 10,
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
    ((3, 24, 36, 3), True): 200,
}


def load_state(encoder: keras.Model, name: str, state: Mapping[str, np.ndarray], origin: str) -> None:
    """Assign the tensors of a torch checkpoint to an encoder of the ResNet family.

    Args:
        encoder: ResNet or ResNeXt, 2D or 3D.
        name: Its name, `"resnet18"`.
        state: Tensors by name in torch's layout, with or without the prefix `module.`.
        origin: Where they come from, for messages.

    Raises:
        ValueError: The encoder is no ResNet, or a tensor is missing, unexpected or has another shape.
    """
    state = _own_tensors(state, origin)
    arrays = {key: _keras_layout(tensor) for key, tensor in state.items()}
    transfer(encoder, lambda layer, weight: _torch_name(layer, weight, name), arrays, origin, _describe(state))


def _own_tensors(state: Mapping[str, np.ndarray], origin: str) -> dict[str, np.ndarray]:
    own: dict[str, np.ndarray] = {}
    for key, tensor in state.items():
        short = key.removeprefix("module.")
        if short in own:
            raise ValueError(f"{origin} has the tensor '{short}' twice, with and without the prefix 'module.'.")
        if not _SKIPPED.match(short):
            own[short] = tensor
    return own


def _keras_layout(tensor: np.ndarray) -> np.ndarray:
    """Turn a kernel `(out, in, ...)` into `(..., in, out)`."""
    return tensor.transpose(*range(2, tensor.ndim), 1, 0) if tensor.ndim > 1 else tensor


def _torch_name(layer: str, weight: str, encoder: str) -> str:
    match = _LAYER.fullmatch(layer)
    if match is None or weight not in _WEIGHTS:
        raise ValueError(
            f"Torch checkpoints fit encoders of the ResNet family. Received: '{encoder}' with a layer '{layer}'."
        )
    stage, block, part, kind = match.group("stage", "block", "part", "kind")
    if stage is None:
        place = f"{kind}1"
    elif part == "shortcut":
        place = f"layer{stage}.{int(block) - 1}.downsample.{0 if kind == 'conv' else 1}"
    else:
        place = f"layer{stage}.{int(block) - 1}.{kind}{part}"
    return f"{place}.{_WEIGHTS[weight]}"


def depth_of(state: Mapping[str, np.ndarray]) -> int | None:
    """Return the depth of the ResNet whose tensors these are, as far as their names tell, or None."""
    names = {key.removeprefix("module.") for key in state}
    if "conv1.weight" not in names:
        return None
    blocks = tuple(sum(f"layer{s}.{b}.conv1.weight" in names for b in range(len(names))) for s in range(1, 5))
    return _DEPTHS.get((blocks, "layer1.0.conv3.weight" in names))


def _describe(state: Mapping[str, np.ndarray]) -> str:
    """Say what network a checkpoint is of, as far as its names tell."""
    depth = depth_of(state)
    if depth is None:
        return "It is no checkpoint of a ResNet in torchvision's or MedicalNet's form."
    dimensions = state["conv1.weight"].ndim - 2
    shortcut = "B" if "layer2.0.downsample.0.weight" in state else "A"
    return f"It is a checkpoint of depth {depth}, {dimensions}D, with shortcut '{shortcut}'."
