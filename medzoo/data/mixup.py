"""Mixup: every image blended with another one of its batch, and its target with the other's."""

from __future__ import annotations

import tensorflow as tf


def mixup(images: tf.Tensor, targets: tf.Tensor, alpha: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
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
        >>> images, targets = tf.zeros((2, 8, 8, 1)), tf.eye(2)
        >>> _, mixed = mixup(images, targets, alpha=0.2, seed=(1, 2))
        >>> tf.reduce_sum(mixed, axis=1).numpy().round(6).tolist()
        [1.0, 1.0]

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv 1710.09412.
    """
    if targets.shape.rank != 2 or not targets.dtype.is_floating:
        raise ValueError(
            "mixup expects targets (batch, k) of floats; make class indices one-hot, and do without it for masks. "
            f"Received: {targets.dtype.name} of shape {targets.shape}."
        )
    share = _beta(tf.shape(images)[0], alpha, seed)
    return _blend(images, share), _blend(targets, tf.cast(share, targets.dtype))


def _blend(values: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    share = tf.reshape(share, (-1, *[1] * (values.shape.rank - 1)))
    return share * values + (1 - share) * tf.roll(values, shift=1, axis=0)


def _beta(count: tf.Tensor, alpha: float, seed: tf.Tensor) -> tf.Tensor:
    """Draw from Beta(alpha, alpha): one Gamma variable as a share of two.

    In logarithms, since Gamma variables of a small alpha are too small for float32: that of alpha is that of alpha + 1
    times the alpha-th root of a uniform one.
    """
    seed = tf.cast(seed, tf.int64)
    gammas = tf.random.stateless_gamma((2, count), seed, alpha + 1)
    uniforms = 1 - tf.random.stateless_uniform((2, count), seed + 1)
    first, second = tf.unstack(tf.math.log(gammas) + tf.math.log(uniforms) / alpha)
    return tf.sigmoid(first - second)
