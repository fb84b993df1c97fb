"""Torch checkpoints: files to arrays by name, and the names of torchvision, MedicalNet and MONAI to layers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from medzoo.errors import require
from medzoo.weights.transfer import mobilenet_form, transfer

if TYPE_CHECKING:
    import keras

# Words under which training scripts keep the tensors of a network.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_RESNET_LAYER = re.compile(r"(?:stem|stage_(?P<stage>\d)_block_(?P<block>\d+)_(?P<part>\d|shortcut))_(?P<kind>conv|bn)")
_MOBILENET_LAYER = re.compile(
    r"(?:stem|stage_\d)_(?:(?P<first>(?:bn_)?Conv1)|(?P<last>Conv_1(?:_bn)?)"
    r"|(?:expanded_conv|block_(?P<block>\d+))_(?P<part>expand|depthwise|project)(?P<norm>_BN)?)"
)
_WEIGHTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# A name's prefixes, which wrappers of torch and larger networks add, and the name itself.
_NAME = re.compile(r"((?:(?:module|_orig_mod|model|encoder|backbone)\.)*)(.*)")
# Classifiers, and the number of batches that the statistics of a BatchNorm were taken from.
_SKIPPED = re.compile(r"(fc|conv_seg|classifier)\.|.*\.num_batches_tracked$")
# A depthwise convolution of MobileNetV2, which has one input channel a group.
_DEPTHWISE = re.compile(r"features\.(?:1\.conv\.0|\d+\.conv\.1)\.0\.weight")
# Blocks of the four stages, and whether a block has three convolutions.
_DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {
    ((1, 1, 1, 1), False): 10,
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
    ((3, 8, 36, 3), True): 152,
    ((3, 24, 36, 3), True): 200,
}


def read_checkpoint(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the tensors of a `.pth`, `.pt` or `.safetensors` file.

    The first two are pickles: they are read with `weights_only=True`, which refuses everything but tensors and plain
    values. Tensors may lie inside `state_dict`, `model_state_dict` or `model`.

    Returns:
        Float32 arrays by name, in torch's layout.

    Raises:
        ValueError: The file cannot be read as a checkpoint, or holds code.
        ImportError: Reading a `.pth` or `.pt` needs torch.

    Example:
        >>> read_checkpoint("resnet_10_23dataset.pth")["module.conv1.weight"].shape  # doctest: +SKIP
        (64, 1, 7, 7, 7)
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise ValueError(f"Expected a file of these: {', '.join(READERS)}. Received: {path}.")
    return READERS[path.suffix](path)


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    torch = require("torch", "convert")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    # At a file of another kind torch raises what its first bytes happen to mean: KeyError, EOFError, RuntimeError...
    except Exception as error:
        raise ValueError(
            f"{path} is not read as a torch checkpoint: {_reason(error)}. Expected tensors and plain values only, "
            "since a pickle can run code. Get the file again from where it came."
        ) from error
    state = _unwrapped(content)
    if not isinstance(state, Mapping):
        raise ValueError(f"{path}: expected tensors by name. Received: {type(state).__name__}.")
    return {str(key): _array(value, str(key), path) for key, value in state.items()}


def _unwrapped(content: Any) -> Any:
    """Return the innermost tensors by name of what a training script wrote."""
    while isinstance(content, Mapping):
        inside = next((content[word] for word in _WRAPPERS if isinstance(content.get(word), Mapping)), None)
        if inside is None:
            return content
        content = inside
    return content


def _array(tensor: Any, name: str, path: Path) -> np.ndarray:
    if not hasattr(tensor, "detach"):
        raise ValueError(f"{path}: expected a tensor as '{name}'. Received: {type(tensor).__name__}.")
    return tensor.detach().float().numpy()


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        return {name: array.astype(np.float32, copy=False) for name, array in load_file(path).items()}
    except (SafetensorError, TypeError) as error:
        raise ValueError(f"{path} is not read as a safetensors file: {error}. Get it again.") from error


def _reason(error: Exception) -> str:
    """Return what torch objects to, without its advice to read the file all the same."""
    lines = [line for line in str(error).splitlines() if "nsupported" in line]
    return lines[0].rpartition(": ")[2].partition(". ")[0].rstrip(".") if lines else type(error).__name__


READERS = {".pth": _read_torch, ".pt": _read_torch, ".safetensors": _read_safetensors}


def load_state(encoder: keras.Model, name: str, state: Mapping[str, np.ndarray], origin: str) -> None:
    """Assign the tensors of a torch checkpoint to a ResNet, ResNeXt or MobileNetV2.

    Args:
        encoder: Encoder of one of these families.
        name: Its name, `"resnet18"`.
        state: Tensors by name in torch's layout. Names may begin with `module.`, `_orig_mod.`, `model.`, `encoder.` or
            `backbone.`, also repeated; where some begin with one of the last two, the others are no encoder's.
        origin: Where they come from, for messages.

    Raises:
        ValueError: The encoder is of another family or form, or a tensor is missing, unexpected or has another shape.
    """
    state = {key: tensor for key, tensor in _bare_names(state, origin).items() if not _SKIPPED.match(key)}
    form = mobilenet_form(encoder.layers)
    if form == "keras":
        raise ValueError(
            f"{origin} is a torch checkpoint, and '{name}' has the padding of Keras. "
            f'Set the encoder to {{"name": "{name}", "form": "torch"}}.'
        )
    if form == "torch":
        state = _nested_blocks(state)
    arrays = {key: _keras_layout(key, tensor) for key, tensor in state.items()}
    transfer(encoder, lambda layer, weight: _torch_name(layer, weight, name), arrays, origin, _describe(state))


def _bare_names(state: Mapping[str, np.ndarray], origin: str = "The checkpoint") -> dict[str, np.ndarray]:
    """Return the tensors of an encoder by their names without prefixes, whatever the checkpoint is a part of.

    Raises:
        ValueError: Two tensors have the same name then.
    """
    split = {key: _NAME.findall(key)[0] for key in state}
    of_encoder = [key for key, (prefix, _) in split.items() if "encoder." in prefix or "backbone." in prefix]
    bare: dict[str, np.ndarray] = {}
    for key in of_encoder or state:
        _, name = split[key]
        if name in bare:
            raise ValueError(f"{origin} has the tensor '{name}' twice, under different prefixes such as 'module.'.")
        bare[name] = state[key]
    return bare


def _nested_blocks(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rename tensors of an early MobileNetV2, whose blocks number all layers in one row, as torchvision does now."""
    if any(re.match(r"features\.\d+\.conv\.\d+\.\d+\.", key) for key in state):
        return dict(state)

    def nested(match: re.Match[str]) -> str:
        block, number = int(match[1]), int(match[2])
        triple, place = divmod(number, 3)
        # The last convolution has no rectifier after it, and so no group of its own.
        is_last = triple == (1 if block == 1 else 2)
        return f"features.{block}.conv.{triple + place if is_last else f'{triple}.{place}'}."

    return {re.sub(r"^features\.(\d+)\.conv\.(\d+)\.", nested, key): tensor for key, tensor in state.items()}


def _keras_layout(name: str, tensor: np.ndarray) -> np.ndarray:
    """Turn a kernel `(out, in, ...)` into `(..., in, out)`, of a depthwise convolution `(..., out, in)`."""
    if tensor.ndim < 2:
        return tensor
    last = (0, 1) if _DEPTHWISE.fullmatch(name) else (1, 0)
    return tensor.transpose(*range(2, tensor.ndim), *last)


def _torch_name(layer: str, weight: str, encoder: str) -> str:
    place = _resnet_place(layer) or _mobilenet_place(layer)
    if place is None or weight not in _WEIGHTS:
        raise ValueError(
            "Torch checkpoints fit encoders of the ResNet family and mobilenetv2. "
            f"Received: '{encoder}' with a layer '{layer}'."
        )
    return f"{place}.{_WEIGHTS[weight]}"


def _resnet_place(layer: str) -> str | None:
    match = _RESNET_LAYER.fullmatch(layer)
    if match is None:
        return None
    stage, block, part, kind = match.group("stage", "block", "part", "kind")
    if stage is None:
        return f"{kind}1"
    if part == "shortcut":
        return f"layer{stage}.{int(block) - 1}.downsample.{0 if kind == 'conv' else 1}"
    return f"layer{stage}.{int(block) - 1}.{kind}{part}"


def _mobilenet_place(layer: str) -> str | None:
    match = _MOBILENET_LAYER.fullmatch(layer)
    if match is None:
        return None
    first, last, block, part, norm = match.group("first", "last", "block", "part", "norm")
    if first or last:
        return f"features.{0 if first else 18}.{int('bn' in layer)}"
    # The first block, which does not expand, has one convolution less.
    position = ("expand", "depthwise", "project").index(part) - (block is None)
    place = f"{position + bool(norm)}" if part == "project" else f"{position}.{int(bool(norm))}"
    return f"features.{int(block or 0) + 1}.conv.{place}"


def depth_of(state: Mapping[str, np.ndarray]) -> int | None:
    """Return the depth of the ResNet whose tensors these are, as far as their names tell, or None."""
    names = _bare_names(state)
    if "conv1.weight" not in names:
        return None
    blocks = tuple(sum(f"layer{s}.{b}.conv1.weight" in names for b in range(len(names))) for s in range(1, 5))
    return _DEPTHS.get((blocks, "layer1.0.conv3.weight" in names))


def is_of_medicalnet(state: Mapping[str, np.ndarray]) -> bool:
    """Return whether the names are those of MedicalNet's files, which no other library writes in this form."""
    return all(key.startswith("module.") for key in state) and "module.fc.weight" not in state


def _describe(state: Mapping[str, np.ndarray]) -> str:
    """Say what network a checkpoint is of, as far as its names tell."""
    if "features.18.0.weight" in state:
        return "It is a checkpoint of a MobileNetV2."
    depth = depth_of(state)
    if depth is None:
        return "It is no checkpoint of a ResNet or MobileNetV2 in torchvision's or MedicalNet's form."
    dimensions = state["conv1.weight"].ndim - 2
    shortcut = "B" if "layer2.0.downsample.0.weight" in state else "A"
    return f"It is a checkpoint of depth {depth}, {dimensions}D, with shortcut '{shortcut}'."
