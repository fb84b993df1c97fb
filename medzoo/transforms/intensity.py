"""Channels and intensities of an image `([depth,] height, width, channels)`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TYPE_RANGE = "type_range"

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
    return np.clip(image, *np.percentile(image, (low, high)))


def apply_window(image: np.ndarray, center: float, width: float) -> np.ndarray:
    """Map a window of intensities, as radiologists state it in HU, to [0, 1]; what lies beyond is clipped."""
    return np.clip((image - (center - width / 2)) / width, 0, 1)


def rescale(image: np.ndarray) -> np.ndarray:
    """Map the range of the image to [0, 1]; a constant image becomes 0."""
    return scale(image, *_own_range(image))


def _own_range(image: np.ndarray) -> tuple[float, float]:
    """Return the minimum and the range of an image."""
    low, high = float(image.min()), float(image.max())
    return low, np.inf if _is_flat(low, high) else high - low


def _mean_and_std(image: np.ndarray) -> tuple[float, float]:
    """Return the mean and the standard deviation of an image."""
    return image.mean(), np.inf if _is_flat(float(image.min()), float(image.max())) else image.std()


def _median_and_iqr(image: np.ndarray) -> tuple[float, float]:
    """Return the median of an image and the distance of its quartiles; its deviation where those are equal.

    Both hardly move with a few bright voxels. In an image of which more than half is background the quartiles may be
    equal; then the deviation is what is left.
    """
    first, median, third = np.percentile(image, (25, 50, 75)).astype(np.float32)
    return median, _mean_and_std(image)[1] if _is_flat(float(first), float(third)) else third - first


# What is subtracted from an image and what it is divided by then; infinity for a constant image, which becomes 0.
NORMALIZATIONS = {"rescale": _own_range, "standardize": _mean_and_std, "robust": _median_and_iqr}


def scale(image: np.ndarray, offset: float, divisor: float) -> np.ndarray:
    """Subtract and divide."""
    return (image - offset) / divisor


def rescale_type(image: np.ndarray, dtype: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
    """Return the step that maps the range of the unsigned type `dtype` to [0, 1], so that 255 of uint8 is 1.

    Other types have no range that pictures fill; such an image is mapped by the range of `image`.
    """
    if dtype.kind == "b":
        return lambda pixels: pixels
    limits = (0, np.iinfo(dtype).max) if dtype.kind == "u" else _own_range(image)
    return lambda pixels: scale(pixels, *limits)


def scale_channels(image: np.ndarray, mean: tuple[float, ...], std: tuple[float, ...]) -> np.ndarray:
    """Subtract a fixed mean and divide by a fixed deviation, one for all channels or one for each."""
    return (image - np.array(mean, np.float32)) / np.array(std, np.float32)


def settle(
    image: np.ndarray,
    stored_as: np.dtype,
    window: tuple[float, float] | None = None,
    clip: tuple[float, float] | None = None,
    normalization: str | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return one step that windows, clips and normalises, with percentiles, mean and range taken from `image`.

    So the slices of a stack are changed alike, by what the whole volume says.

    Args:
        image: What the statistics are taken from.
        stored_as: Type of the file's pixels.
        window: Centre and width that become 0 to 1.
        clip: Percentiles between which intensities are clipped.
        normalization: A name of `NORMALIZATIONS`, `"type_range"`, or any other for none.
    """
    steps: list[Callable[[np.ndarray], np.ndarray]] = []
    if window is not None:
        steps.append(lambda pixels: apply_window(pixels, *window))
        image = steps[-1](image)
    if clip is not None:
        limits = np.percentile(image, clip)
        steps.append(lambda pixels: np.clip(pixels, *limits))
        image = steps[-1](image)
    if normalization == TYPE_RANGE:
        steps.append(rescale_type(image, stored_as))
    elif normalization in NORMALIZATIONS:
        offset, divisor = NORMALIZATIONS[normalization](image)
        steps.append(lambda pixels: scale(pixels, offset, divisor))
    return lambda pixels: _run(steps, pixels)


def _run(steps: list[Callable[[np.ndarray], np.ndarray]], pixels: np.ndarray) -> np.ndarray:
    for step in steps:
        pixels = step(pixels)
    return pixels


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
