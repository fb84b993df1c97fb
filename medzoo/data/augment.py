"""Random changes of images and masks together: draw the parameters of a batch, then apply them, as TensorFlow ops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from medzoo.errors import refuse_unknown

AXES = ("horizontal", "vertical")


@dataclass(frozen=True)
class Augmentation:
    """How much images of a batch may change; each draws its own values, uniformly unless said.

    Args:
        flip: Axes along which an image is mirrored half of the time.
        quarter_turns: Whether to turn images by 0, 90, 180 or 270 degrees, each as often; for scans whose files do not
            agree on which side is up.
        rotation: Largest angle in degrees, either way, beside the quarter turns.
        scale: Largest relative change of size: 0.2 draws a factor from 1 / 1.2 to 1.2, uniform in its logarithm.
        stretch: The same for the ratio of height to width.
        shift: Largest shift as a fraction of the size, either way along each axis.
        brightness: Largest value added, as a fraction of the full intensity range.
        contrast: Largest relative change of contrast; drawn like `scale`.
        gamma: Largest relative change of the exponent; drawn like `scale`. Expects intensities in [0, 1].

    Raises:
        ValueError: An axis is unknown or a value is negative.
    """

    flip: tuple[str, ...] = ()
    quarter_turns: bool = False
    rotation: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "flip", tuple(self.flip))
        refuse_unknown("flip axis", self.flip, AXES)
        for name in ("rotation", "scale", "stretch", "shift", "brightness", "contrast", "gamma"):
            if getattr(self, name) < 0:
                raise ValueError(f"Augmentation `{name}` must not be negative. Received: {getattr(self, name)}.")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Augmentation:
        """Make an Augmentation of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the augmentation", value, cls.__dataclass_fields__)
        return cls(**value)

    def __call__(self, images: tf.Tensor, masks: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Change a batch; the same seed gives the same pixels.

        Args:
            images: `(batch, height, width, channels)` float32.
            masks: `(batch, height, width, 1)` label indices, uint8.
            seed: Two integers, shape `(2,)`.

        Returns:
            Images and masks of the same shapes and types.
        """
        draws = _Draws(tf.shape(images)[0], seed)
        transforms = _about_center(self._draw_matrices(draws), tf.shape(images)[1:3])
        images = _warp(images, transforms, "BILINEAR")
        masks = _warp(masks, transforms, "NEAREST")
        return self._change_intensity(images, draws), masks

    def _draw_matrices(self, draws: _Draws) -> tf.Tensor:
        """Draw `(batch, 2, 3)` matrices from output to input pixels about the centre, the shift as a fraction."""
        angle = draws.uniform(self.rotation * math.pi / 180) + draws.quarters(self.quarter_turns) * math.pi / 2
        size, ratio = draws.factor(self.scale), draws.factor(self.stretch)
        x = size * draws.sign("horizontal" in self.flip)
        y = size * ratio * draws.sign("vertical" in self.flip)
        cosine, sine = tf.cos(angle), tf.sin(angle)
        rows = [x * cosine, -y * sine, draws.uniform(self.shift), x * sine, y * cosine, draws.uniform(self.shift)]
        return tf.reshape(tf.stack(rows, axis=1), (-1, 2, 3))

    def _change_intensity(self, images: tf.Tensor, draws: _Draws) -> tf.Tensor:
        spread = lambda values: values[:, None, None, None]  # noqa: E731
        if self.gamma:
            images = tf.pow(tf.maximum(images, 0.0), spread(draws.factor(self.gamma)))
        if self.contrast:
            images = images * spread(draws.factor(self.contrast))
        if self.brightness:
            images = images + spread(draws.uniform(self.brightness))
        return images


class _Draws:
    """Random values for a batch, each call another stream of the same seed."""

    def __init__(self, count: tf.Tensor, seed: tf.Tensor):
        self._count = count
        self._seed = tf.cast(seed, tf.int64)
        self._stream = 0

    def _draw(self) -> tf.Tensor:
        self._stream += 1
        seed = self._seed + tf.constant([0, self._stream], tf.int64)
        return tf.random.stateless_uniform((self._count,), seed, -1.0, 1.0)

    def uniform(self, limit: float) -> tf.Tensor:
        return self._draw() * limit

    def factor(self, change: float) -> tf.Tensor:
        return tf.exp(self._draw() * math.log1p(change))

    def quarters(self, enabled: bool) -> tf.Tensor:
        return tf.floor(2 * (self._draw() + 1)) if enabled else tf.zeros((self._count,))

    def sign(self, enabled: bool) -> tf.Tensor:
        return tf.where(self._draw() < 0, -1.0, 1.0) if enabled else tf.ones((self._count,))


def _about_center(matrices: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Turn matrices about the centre into TensorFlow's eight numbers from the corner, `(batch, 8)`."""
    size = tf.cast(size, tf.float32)
    height, width = size[0], size[1]
    center = tf.stack([(width - 1) / 2, (height - 1) / 2])
    linear, shift = matrices[:, :, :2], matrices[:, :, 2] * tf.stack([width, height])
    offset = center - tf.linalg.matvec(linear, center) + shift
    six = tf.reshape(tf.concat([linear, offset[..., None]], axis=2), (-1, 6))
    return tf.concat([six, tf.zeros_like(six[:, :2])], axis=1)


def _warp(images: tf.Tensor, transforms: tf.Tensor, interpolation: str) -> tf.Tensor:
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation=interpolation,
        fill_mode="CONSTANT",
    )
    return tf.ensure_shape(warped, images.shape)
