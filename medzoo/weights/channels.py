"""From 1 or 3 input channels to any number.

The rule: a network whose channels all show the same grey image gives what its source gives for that image. With fewer
channels than the source has, each takes an equal share of the sum of the source's kernels; with more, the source's
kernels are repeated in turn (red, green, blue, red, ...) and each is divided by its number of repetitions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SOURCES = (1, 3)


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
