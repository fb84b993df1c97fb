"""Another slice of a stack as the middle one, for networks whose channels are adjacent slices."""

from __future__ import annotations

import tensorflow as tf


def jitter_slices(images: tf.Tensor, offsets: tf.Tensor, jitter: int) -> tf.Tensor:
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
    if images.shape.rank != 4 or channels < 1:
        raise ValueError(
            f"Augmentation `slice_jitter`={jitter} takes {2 * jitter} channels off stacks "
            f"(batch, height, width, channels). Received: shape {images.shape}."
        )
    picked = tf.cast(offsets, tf.int32)[:, None] + tf.range(channels)
    return tf.ensure_shape(tf.gather(images, picked, axis=3, batch_dims=1), (*images.shape[:-1], channels))
