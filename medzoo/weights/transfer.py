"""Arrays by name into the weights of an encoder: all of them, each once, or none.

From 1 or 3 input channels to any number: a network whose channels all show the same grey image gives what its source
gives for that image. With fewer channels than the source has, each takes an equal share of the sum of the source's
kernels; with more, the source's kernels are repeated in turn (red, green, blue, red, ...) and each is divided by its
number of repetitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

SOURCES = (1, 3)
# What torch's BatchNorm adds to variances.
TORCH_EPSILON = 1e-5
_UNTRAINED = {"moving_mean": 0, "moving_variance": 1}


def fit_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """Give a convolution kernel another number of input channels.

    Args:
        kernel: Kernel `(..., source channels, filters)`.
        channels: Number of input channels to have.

    Returns:
        Kernel `(..., channels, filters)` whose sum over the input channels is that of the source.

    Example:
        >>> float(fit_channels(np.ones((7, 7, 3, 64)), 1).max())
        3.0
    """
    source = kernel.shape[-2]
    if channels < source:
        return np.repeat(kernel.sum(-2, keepdims=True) / channels, channels, axis=-2)
    turn = np.arange(channels) % source
    return kernel[..., turn, :] / np.bincount(turn)[turn][:, None]


def fit_statistics(values: Sequence[float], channels: int) -> tuple[float, ...]:
    """Give the mean or deviation of the source's channels to as many as the input has, by the same rule.

    Args:
        values: One number for each channel of the source.
        channels: Channels of the input.

    Returns:
        One number for all channels where there are fewer than the source has, otherwise one for each.

    Example:
        >>> fit_statistics((0.25, 0.5, 0.75), 1), fit_statistics((0.25, 0.5, 0.75), 4)
        ((0.5,), (0.25, 0.5, 0.75, 0.25))
    """
    if channels < len(values):
        return (float(np.mean(values)),)
    return tuple(values[channel % len(values)] for channel in range(channels))


def transfer(
    encoder: keras.Model,
    name_of: Callable[[str, str], str],
    arrays: Mapping[str, np.ndarray],
    origin: str,
    hint: str = "",
    untrained: bool = False,
) -> None:
    """Assign every array to one weight and every weight one array, or raise and assign nothing.

    Args:
        encoder: Network that takes `(batch, [depth,] height, width, channels)`.
        name_of: Function from the names of a layer and of its weight to the name of the array.
        arrays: Arrays by name, in the layout of Keras. A kernel of the first layer may have 1 or 3 input channels.
        origin: Where they come from, for messages.
        hint: Sentence to end messages with.
        untrained: Whether statistics of normalisation may be as they are before any training.

    Raises:
        ValueError: An array is missing, unexpected, not finite or has another shape; the message names the first such
            one. Or no statistic of normalisation was ever updated.
    """
    targets = weights_by_name(encoder.layers, name_of)
    channels = encoder.input_shape[-1]
    values = {}
    for name, weight in targets.items():
        if name not in arrays:
            raise ValueError(f"{origin} lacks the tensor '{name}' that '{encoder.name}' needs. {hint}".rstrip())
        values[name] = _fitted(arrays[name], tuple(weight.shape), channels)
        if values[name].shape != tuple(weight.shape):
            raise ValueError(
                f"The tensor '{name}' of {origin} has another shape than in '{encoder.name}': expected "
                f"{tuple(weight.shape)} in the layout of Keras. Received: {arrays[name].shape}. {hint}".rstrip()
            )
    for name in arrays:
        if name not in targets:
            raise ValueError(f"{origin} has a tensor '{name}' that '{encoder.name}' has not. {hint}".rstrip())
    _check_finite(values, origin)
    if not untrained:
        _check_trained([(weight.name, values[name]) for name, weight in targets.items()], origin)
    for name, weight in targets.items():
        weight.assign(values[name])


def mobilenet_form(layers: Sequence[keras.Layer]) -> str | None:
    """Return the `form` of the MobileNetV2 that has these layers, None of another network."""
    norms = [layer for layer in layers if layer.name == "stem_bn_Conv1"]
    return None if not norms else "torch" if norms[0].epsilon == TORCH_EPSILON else "keras"


def _check_finite(arrays: Mapping[str, np.ndarray], origin: str) -> None:
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"The tensor '{name}' of {origin} holds NaN or infinite values. Take another checkpoint.")


def _check_trained(arrays: Sequence[tuple[str, np.ndarray]], origin: str) -> None:
    statistics = [(array, _UNTRAINED[kind]) for kind, array in arrays if kind in _UNTRAINED]
    if statistics and all((array == start).all() for array, start in statistics):
        raise ValueError(
            f"{origin} was never trained: the running means of its normalisation are all 0 and the variances all 1. "
            "Take the checkpoint of a trained network."
        )


def weights_by_name(layers: list[keras.Layer], name_of: Callable[[str, str], str]) -> dict[str, keras.Variable]:
    """Return the weights of layers by the name that `name_of` gives them.

    Raises:
        ValueError: Two weights have the same name.
    """
    weights: dict[str, keras.Variable] = {}
    for layer in layers:
        for weight in layer.weights:
            name = name_of(layer.name, weight.name)
            if name in weights:
                raise ValueError(f"Expected one weight of each name. Received: two weights named '{name}'.")
            weights[name] = weight
    return weights


def _fitted(array: np.ndarray, shape: tuple[int, ...], channels: int) -> np.ndarray:
    """Fit an array to the input channels where these are all that differs from the `shape` it must have."""
    only_input_differs = len(array.shape) == len(shape) > 1 and array.shape[-2] != shape[-2]
    if only_input_differs and shape[-2] == channels and array.shape[-2] in SOURCES:
        return fit_channels(array, channels)
    return array
