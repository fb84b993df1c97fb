"""What mixes images or slices: mixup of a batch, and another slice of a stack as its middle one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import keras
import numpy as np

from medzoo.data.augment.backend import draw, ops_of
from medzoo.data.augment.draws import Draws


def mixup(images: Any, targets: Any, alpha: float, seed: Any) -> tuple[Any, Any]:
    """Blend every image and target with the one before it in the batch.

    Each image draws its own share from Beta(alpha, alpha): with a small alpha most blends are nearly one of the two.

    Args:
        images: `(batch, [depth,] height, width, channels)` float32.
        targets: `(batch, k)` floats: one-hot classes, probabilities or values.
        alpha: Parameter of the Beta distribution, above 0; 0.2 is usual.
        seed: Two integers, shape `(2,)`.

    Returns:
        Images and targets of the same shapes.

    Raises:
        ValueError: The targets are masks or class indices, which have no meaning in between.

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
    """Keep as many adjacent channels as the network takes, from the first or a later one.

    Args:
        images: `(batch, height, width, channels + 2 * jitter)`.
        offsets: The first channel to keep, `(batch,)`, whole numbers from 0 to 2 * jitter.
        jitter: Channels too many at each end.

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
    # A choice between views is one pass for each; a gather of single channels is far slower.
    for first in range(1, 2 * jitter + 1):
        kept = ops.where(offsets == first, images[..., first : first + channels], kept)
    return kept
