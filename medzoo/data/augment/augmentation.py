"""The changes of an augmentation, applied to a batch: pixels and intensities, slices of a stack, mixup."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import keras
import numpy as np

from medzoo import recipe
from medzoo.data.augment.backend import draw, ops_of
from medzoo.data.augment.draws import Draws, draw_parameters
from medzoo.data.augment.intensity import change_intensity, value_range
from medzoo.data.augment.warp import warp

# In the order of the arguments of `change_intensity`.
_INTENSITY = ("bias_field", "gamma", "contrast", "brightness", "noise", "noise_keys")


@dataclass(frozen=True, eq=False)
class Augmentation(recipe.Augmentation):
    """An augmentation of a recipe that can be called on a batch; its fields are those of `medzoo.recipe.Augmentation`.

    Example:
        >>> import numpy as np
        >>> augment = Augmentation(flip=("horizontal",), rotation=10, elastic=0.05, noise=0.1)
        >>> images, masks = np.zeros((2, 8, 8, 8, 1), np.float32), np.zeros((2, 8, 8, 8, 1), np.uint8)
        >>> images, masks = augment(images, masks, seed=(1, 2))
        >>> tuple(images.shape)
        (2, 8, 8, 8, 1)
    """

    def __call__(self, images: Any, targets: Any, seed: Any) -> tuple[Any, Any]:
        """Change a batch; the same seed gives the same pixels on every backend, up to rounding.

        Tensors of TensorFlow are changed in TensorFlow on every backend, as tf.data needs it; tensors of the Keras
        backend, and NumPy arrays, on its device.

        Args:
            images: `(batch, height, width, channels)` or `(batch, depth, height, width, channels)` float32.
            targets: Masks `(batch, [depth,] height, width, 1)` of label indices, uint8, which move along; or
                `(batch, k)` class indices, one-hot classes or values, which only mixup changes.
            seed: Two integers, shape `(2,)`.

        Returns:
            Images and targets as tensors of the same shapes and types; `slice_jitter` takes its channels off the
            images.

        Raises:
            ValueError: A change does not fit the shape of the images or the targets.
        """
        ops = ops_of(images, targets)
        images, targets = ops.convert_to_tensor(images), ops.convert_to_tensor(targets)
        self._check(tuple(images.shape), tuple(targets.shape))
        drawn = draw(partial(draw_parameters, self, len(images.shape) - 2), images, seed)
        if "offsets" in drawn:
            images = jitter_slices(images, drawn["offsets"], self.slice_jitter)
        values = value_range(images)
        if "matrices" in drawn:
            masks = targets if len(targets.shape) == len(images.shape) else None
            images, masks = warp(images, values[0], masks, drawn["matrices"], drawn.get("controls"))
            targets = targets if masks is None else masks
        if any(name in drawn for name in _INTENSITY):
            images = change_intensity(images, *values, *map(drawn.get, _INTENSITY))
        return mixup(images, targets, self.mixup, seed) if self.mixup else (images, targets)

    def _check(self, images: tuple, targets: tuple) -> None:
        if len(images) not in (4, 5):
            raise ValueError(f"Augmentation expects images (batch, [depth,] height, width, channels): {images}.")
        if len(targets) not in (2, len(images)):
            raise ValueError(
                "Augmentation expects masks (batch, [depth,] height, width, 1) or targets (batch, k) for images of "
                f"shape {images}. Received: shape {targets}."
            )
        for name, used in (("tilt", self.tilt), ('flip="depth"', "depth" in self.flip)):
            if used and len(images) == 4:
                raise ValueError(
                    f"Augmentation `{name}` expects volumes (batch, depth, height, width, channels). "
                    f"Received: shape {images}. Remove it from the recipe of a 2D network."
                )


def mixup(images: Any, targets: Any, alpha: float, seed: Any) -> tuple[Any, Any]:
    """Blend every image and target with the one before it in the batch.

    The share of each image is drawn from Beta(alpha, alpha): with a small alpha most blends are almost one of the two.

    Args:
        images: `(batch, [depth,] height, width, channels)` float32.
        targets: `(batch, k)` floats: one-hot classes, probabilities or values.
        alpha: Parameter of the Beta distribution, above 0; 0.2 is usual.
        seed: Two integers, shape `(2,)`.

    Returns:
        Images and targets of the same shapes.

    Raises:
        ValueError: The targets are masks or class indices, which cannot be blended.

    Example:
        >>> images, targets = np.zeros((2, 8, 8, 1), np.float32), np.eye(2, dtype=np.float32)
        >>> _, mixed = mixup(images, targets, alpha=0.2, seed=(1, 2))
        >>> keras.ops.convert_to_numpy(mixed).sum(axis=1).round(6).tolist()
        [1.0, 1.0]

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412.
    """
    ops = ops_of(images, targets)
    images, targets = ops.convert_to_tensor(images), ops.convert_to_tensor(targets)
    dtype = keras.backend.standardize_dtype(targets.dtype)
    if len(targets.shape) != 2 or "float" not in dtype:
        raise ValueError(
            "mixup expects targets (batch, k) of floats; make class indices one-hot, and do without it for masks. "
            f"Received: {dtype} of shape {tuple(targets.shape)}."
        )

    def draw_shares(count: int, seed: np.ndarray) -> dict[str, np.ndarray]:
        return {"shares": Draws(count, seed).shares("mixup", alpha)}

    shares = draw(draw_shares, images, seed)["shares"]
    return _blend(ops, images, shares), _blend(ops, targets, ops.cast(shares, targets.dtype))


def _blend(ops: ModuleType, values: Any, shares: Any) -> Any:
    shares = ops.reshape(shares, (-1, *[1] * (len(values.shape) - 1)))
    return shares * values + (1 - shares) * ops.roll(values, shift=1, axis=0)


def jitter_slices(images: Any, offsets: Any, jitter: int) -> Any:
    """Keep as many adjacent channels as the network takes, beginning with the first or a later one.

    Args:
        images: `(batch, height, width, channels + 2 * jitter)`.
        offsets: The first channel to keep, `(batch,)`, whole numbers from 0 to 2 * jitter.
        jitter: Surplus channels at each end.

    Returns:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: There are too few channels.
    """
    channels = images.shape[-1] - 2 * jitter
    if len(images.shape) != 4 or channels < 1:
        raise ValueError(
            f"Augmentation `slice_jitter`={jitter} takes {2 * jitter} channels off stacks "
            f"(batch, height, width, channels). Received: shape {tuple(images.shape)}."
        )
    ops = ops_of(images)
    offsets, kept = ops.reshape(offsets, (-1, 1, 1, 1)), images[..., :channels]
    # One pass for each view; to gather single channels is far slower.
    for first in range(1, 2 * jitter + 1):
        kept = ops.where(offsets == first, images[..., first : first + channels], kept)
    return kept
