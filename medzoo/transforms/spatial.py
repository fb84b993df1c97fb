"""Size and place of an image `(height, width, channels)` or a volume `(depth, height, width, channels)`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np


def resize(image: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Resize an image `(height, width, channels)` or a volume `(depth, height, width, channels)` to `size`.

    Axes that shrink are averaged over the area of a pixel, then axes that grow are interpolated linearly.
    """
    if len(size) == 3:
        return _resize_volume(image, size)
    height, width = size
    shrunk = (min(height, image.shape[0]), min(width, image.shape[1]))
    return _scale(_scale(image, shrunk, cv2.INTER_AREA), (height, width), cv2.INTER_LINEAR)


def without_padding(image: np.ndarray, padding: np.ndarray | None) -> np.ndarray:
    """Return the pixels `(count, channels)` of an image that no padding touches; the image where none are left.

    Args:
        image: The image, at any size.
        padding: True where a pixel of it was padding before it was resized; None where there is none.
    """
    if padding is None:
        return image
    share = resize(padding[..., None].astype(np.float32), image.shape[:-1])[..., 0]
    return image[share == 0] if (share == 0).any() else image


def fit_inside(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the corner and the size of an image of `shape` scaled to fit centred inside `size`."""
    scale = min(available / side for available, side in zip(size, shape, strict=True))
    inner = tuple(max(1, round(side * scale)) for side in shape)
    return _center_in(inner, size), inner


def _center_in(shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the corner of an image of `shape` centred on a canvas of `size`, negative where it is the larger one."""
    return tuple((available - side) // 2 for available, side in zip(size, shape, strict=True))


def paste(image: np.ndarray, size: tuple[int, ...], corner: tuple[int, ...]) -> np.ndarray:
    """Set an image on a black canvas of `size` with its first pixel at `corner`; what lies beyond it is cut off."""
    dimensions = len(size)
    if image.shape[:dimensions] == size and not any(corner):
        return image
    canvas = np.zeros((*size, *image.shape[dimensions:]), image.dtype)
    shape = image.shape[:dimensions]
    canvas[_overlap(corner, shape, size)] = image[_overlap([-first for first in corner], size, shape)]
    return canvas


def _overlap(corner: Sequence[int], shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[slice, ...]:
    """Return the part of a canvas of `size` that an image of `shape` at `corner` covers."""
    return tuple(
        slice(max(0, first), max(0, min(first + side, available)))
        for first, side, available in zip(corner, shape, size, strict=True)
    )


def _resize_volume(volume: np.ndarray, size: tuple[int, int, int]) -> np.ndarray:
    planes = np.stack([resize(plane, size[1:]) for plane in volume])
    # Rows and channels of a plane side by side, so that what is left to resize is an image again.
    columns = planes.reshape(*planes.shape[:2], -1)
    return resize(columns, size[:2]).reshape(*size, -1)


def resize_weights(old: int, new: int) -> np.ndarray:
    """Return the share `(new, old)` that each old pixel of an axis has in each new one, as `resize` takes them.

    Example:
        >>> resize_weights(2, 4).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    pixels = np.eye(old, dtype=np.float32)[:, None]
    return resize(pixels, (new, 1))[:, 0]


def _scale(image: np.ndarray, size: tuple[int, int], method: int) -> np.ndarray:
    height, width = size
    if image.shape[:2] == (height, width):
        return image
    # OpenCV averages four channels at most, and drops a last axis of one.
    groups = [image[..., first : first + 4] for first in range(0, image.shape[-1], 4)]
    scaled = [cv2.resize(group, (width, height), interpolation=method) for group in groups]
    return np.concatenate([group.reshape(height, width, -1) for group in scaled], axis=-1)


def nearest(mask: np.ndarray, size: tuple[int, ...] | None) -> np.ndarray:
    """Return a mask scaled to `size`, each pixel that whose middle is nearest, of two the later one; None leaves it."""
    if size is None or tuple(size) == mask.shape:
        return mask
    places = [(2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, mask.shape, strict=True)]
    return mask[np.ix_(*places)]


def nearest_of_opencv(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a mask (height, width) scaled to `size` as OpenCV does it, which may take the earlier of two pixels.

    Its steps are rounded to 1/65536 of a pixel, so that the choice between two that are equally near depends on the
    sizes. Kept apart from `nearest`, since recorded trainings saw these pixels.
    """
    return cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


Place = tuple[tuple[int, ...], tuple[int, ...]]
Spacing = tuple[float, ...] | None


def stretch(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, target: Spacing) -> Place:
    """Give the image the size, whatever its shape."""
    return (0,) * len(size), size


def pad(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, target: Spacing) -> Place:
    """Scale the image to fit inside the size, centred."""
    return fit_inside(shape, size)


def crop(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, target: Spacing) -> Place:
    """Leave the scale of the image, or resample it to the `target` spacing, and centre it.

    Raises:
        ValueError: The image does not say its spacing, which resampling needs.
    """
    if target is None:
        return _center_in(shape, size), tuple(shape)
    if spacing is None:
        raise ValueError(
            f"The scan does not say its spacing, which the model needs to resample it to {target} mm. "
            "Use a file with a spacing (DICOM, NIfTI), or a model without `spacing`."
        )
    resampled = tuple(
        max(1, round(side * own / other)) for side, own, other in zip(shape, spacing, target, strict=True)
    )
    return _center_in(resampled, size), resampled


def tile(shape: tuple[int, ...], size: tuple[int, ...], spacing: Spacing, target: Spacing) -> Place:
    """Leave the scale of the image, or resample it as `crop` does, with its first pixel in the corner."""
    return (0,) * len(size), crop(shape, size, spacing, target)[1]


PLACEMENTS = {"stretch": stretch, "pad": pad, "crop": crop, "tile": tile}
