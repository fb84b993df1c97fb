"""The same network in native torch: every stock layer of a functional Keras model as the torch module of its kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

CONVOLUTIONS = {2: nn.Conv2d, 3: nn.Conv3d}
NORMS = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
MAX_POOLS = {2: functional.max_pool2d, 3: functional.max_pool3d}
ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "silu": functional.silu,
    "swish": functional.silu,
    "gelu": functional.gelu,
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: torch.softmax(x, 1),
}


class Peer(nn.Module):
    """The network of a functional Keras model, with channels first and with random weights.

    What is frozen in the Keras model has no gradients here either, and its batch normalisation stays in inference mode.

    Args:
        model: Functional model of one input and one output.
    """

    def __init__(self, model: Any):
        super().__init__()
        self.modules_by_name = nn.ModuleDict()
        self.steps = []
        for layer in model.layers:
            if type(layer).__name__ != "InputLayer":
                self.steps.append((_names(layer.input), layer.output.name, self._step(layer)))
        self.ends = (model.input.name, model.output.name)

    def _step(self, layer: Any) -> Callable:
        step = LAYERS[type(layer).__name__](layer, layer.get_config())
        for part in step if isinstance(step, tuple) else (step,):
            if isinstance(part, nn.Module):
                part.frozen = not layer.trainable
                part.requires_grad_(layer.trainable)
                self.modules_by_name[layer.name] = part
        return _chain(*step) if isinstance(step, tuple) else step

    def train(self, mode: bool = True) -> Peer:
        """Set the mode of all that is not frozen."""
        super().train(mode)
        for module in self.modules_by_name.values():
            module.train(mode and not module.frozen)
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the output for images `(batch, channels, ...)`."""
        values = {self.ends[0]: images}
        for sources, target, step in self.steps:
            values[target] = step(*(values[source] for source in sources))
        return values[self.ends[1]]


def _names(tensors: Any) -> list[str]:
    return [tensor.name for tensor in (tensors if isinstance(tensors, list) else [tensors])]


def _chain(*steps: Callable) -> Callable:
    def run(x: torch.Tensor) -> torch.Tensor:
        for step in steps:
            x = step(x)
        return x

    return run


def _same(layer: Any, kernel: tuple, strides: tuple, dilations: tuple) -> list[tuple[int, int]]:
    """Return what Keras's "same" puts before and behind each axis."""
    pads = []
    for size, width, stride, dilation in zip(layer.input.shape[1:-1], kernel, strides, dilations, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + dilation * (width - 1) + 1 - size)
        pads.append((total // 2, total - total // 2))
    return pads


def _pad(pads: list[tuple[int, int]], value: float = 0.0) -> Callable:
    flat = [number for pair in reversed(pads) for number in pair]
    return lambda x: functional.pad(x, flat, value=value) if any(flat) else x


def _padding(layer: Any, config: dict, kernel: tuple, dilations: tuple, value: float = 0.0) -> tuple[Any, Callable]:
    """Return the padding that a module takes itself, and what has to pad before it."""
    if config["padding"] == "valid":
        return 0, _pad([])
    pads = _same(layer, kernel, config["strides"], dilations)
    if all(before == behind for before, behind in pads):
        return tuple(before for before, _ in pads), _pad([])
    return 0, _pad(pads, value)


def _convolution(layer: Any, config: dict) -> tuple:
    channels, rank, is_depthwise = layer.input.shape[-1], len(config["kernel_size"]), "filters" not in config
    own, pad = _padding(layer, config, config["kernel_size"], config["dilation_rate"])
    module = CONVOLUTIONS[rank](
        channels,
        channels * config["depth_multiplier"] if is_depthwise else config["filters"],
        config["kernel_size"],
        config["strides"],
        own,
        config["dilation_rate"],
        channels if is_depthwise else config["groups"],
        config["use_bias"],
    )
    return pad, module, ACTIVATIONS[config["activation"]]


def _normalization(layer: Any, config: dict) -> nn.Module:
    shape = layer.input.shape
    return NORMS[max(1, len(shape) - 2)](shape[-1], eps=config["epsilon"], momentum=1 - config["momentum"])


def _max_pool(layer: Any, config: dict) -> tuple:
    size, strides = config["pool_size"], config["strides"]
    own, pad = _padding(layer, config, size, (1,) * len(size), -torch.inf)
    return pad, lambda x: MAX_POOLS[len(size)](x, size, strides, own)


def _channel_dropout(layer: Any, config: dict) -> nn.Module:
    return {4: nn.Dropout2d, 5: nn.Dropout3d}[len(layer.input.shape)](config["rate"])


def _mean(layer: Any, config: dict) -> Callable:
    axes = tuple(range(2, len(layer.input.shape)))
    return lambda x: x.mean(axes, keepdim=config["keepdims"])


def _dense(layer: Any, config: dict) -> tuple:
    module = nn.Linear(layer.input.shape[-1], config["units"], config["use_bias"])
    # Linear works on the last axis.
    return lambda x: x.movedim(1, -1), module, lambda x: x.movedim(-1, 1), ACTIVATIONS[config["activation"]]


def _reshape(layer: Any, config: dict) -> Callable:
    *sizes, channels = config["target_shape"]
    return lambda x: x.reshape(len(x), channels, *sizes)


def _product(*factors: torch.Tensor) -> torch.Tensor:
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result


LAYERS = {
    **dict.fromkeys(("Conv2D", "Conv3D", "DepthwiseConv2D"), _convolution),
    **dict.fromkeys(("MaxPooling2D", "MaxPooling3D"), _max_pool),
    **dict.fromkeys(("GlobalAveragePooling2D", "GlobalAveragePooling3D"), _mean),
    **dict.fromkeys(("SpatialDropout2D", "SpatialDropout3D"), _channel_dropout),
    **dict.fromkeys(("ZeroPadding2D", "ZeroPadding3D"), lambda layer, config: _pad(config["padding"])),
    **dict.fromkeys(
        ("UpSampling2D", "UpSampling3D"),
        lambda layer, config: lambda x: functional.interpolate(x, scale_factor=tuple(map(float, config["size"]))),
    ),
    "Activation": lambda layer, config: ACTIVATIONS[config["activation"]],
    "Add": lambda layer, config: lambda *terms: sum(terms[1:], terms[0]),
    "BatchNormalization": _normalization,
    "Concatenate": lambda layer, config: lambda *parts: torch.cat(parts, 1),
    "Dense": _dense,
    "Dropout": lambda layer, config: nn.Dropout(config["rate"]),
    "Flatten": lambda layer, config: lambda x: x.flatten(1),
    "Multiply": lambda layer, config: _product,
    "ReLU": lambda layer, config: functional.relu,
    "Reshape": _reshape,
}
