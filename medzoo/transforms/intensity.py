"""Channels and intensities of an image `([depth,] height, width, channels)`."""

from __future__ import annotations

import numpy as np

# ITU-R BT.601, the weights that OpenCV and Pillow use.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)

# Resizing and averaging move the last digits of a constant float32 image; variation below this is theirs, not its own.
_FLAT = 1e-6


def to_channels(image: np.ndarray, channels: int) -> np.ndarray:
    """Give `image` the number of `channels` that a network expects.

    Grey is repeated; RGB becomes grey by its luma.

    Raises:
        ValueError: Neither rule applies, for example four channels for a network of two.
    """
    if image.shape[-1] == channels:
        return image
    if image.shape[-1] == 1:
        return np.repeat(image, channels, axis=-1)
    if channels == 1 and image.shape[-1] == 3:
        return (image.astype(np.float32) @ _LUMA)[..., None]
    raise ValueError(
        f"The image has {image.shape[-1]} channels, the model expects {channels}. "
        "Only grey and RGB are converted; pick the channels first, for example array[..., :1]."
    )


def clip_percentiles(image: np.ndarray, low: float, high: float) -> np.ndarray:
    """Clip to the `low` and `high` percentiles (0 to 100) of the image itself."""
    floor, ceiling = np.percentile(image, (low, high))
    return np.clip(image, floor, ceiling)


def rescale(image: np.ndarray) -> np.ndarray:
    """Map the range of the image to [0, 1]; a constant image becomes 0."""
    low, high = float(image.min()), float(image.max())
    return np.zeros_like(image) if _is_flat(low, high) else (image - low) / (high - low)


def standardize(image: np.ndarray) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation; a constant image becomes 0."""
    if _is_flat(float(image.min()), float(image.max())):
        return np.zeros_like(image)
    return (image - image.mean()) / image.std()


NORMALIZATIONS = {"rescale": rescale, "standardize": standardize}


def rescale_type(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Map the range of the unsigned type `dtype` that an image was stored in to [0, 1], so that 255 of uint8 is 1.

    Other types have no range that pictures fill; such an image is mapped by its own.
    """
    if dtype.kind == "b":
        return image
    return image / np.iinfo(dtype).max if dtype.kind == "u" else rescale(image)


def scale_channels(image: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Subtract a fixed mean and divide by a fixed deviation, one for all channels or one for each."""
    return (image - np.array(mean, np.float32)) / np.array(std, np.float32)


def _is_flat(low: float, high: float) -> bool:
    return high - low <= _FLAT * max(abs(low), abs(high))


def to_display(image: np.ndarray) -> np.ndarray:
    """Return an image `(height, width, channels)` as RGB uint8 to look at.

    Pixels of type uint8 stay; others are windowed to their 0.5 and 99.5 percentiles. Of more than three channels the
    first three are shown, of two the first.
    """
    shown = image[..., :3] if image.shape[-1] >= 3 else image[..., :1]
    if shown.dtype != np.uint8:
        shown = (255 * rescale(clip_percentiles(shown.astype(np.float32), 0.5, 99.5))).astype(np.uint8)
    return shown if shown.shape[-1] == 3 else np.repeat(shown, 3, axis=-1)
