"""Another slice of a stack as the middle one, for networks whose channels are adjacent slices."""

from __future__ import annotations

from typing import Any

from medzoo.data.augment.backend import ops_of


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
