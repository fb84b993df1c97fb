"""How much the images of a training may change, as a recipe says it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from medzoo.data.augment.draws import Draws
from medzoo.data.augment.intensity import change_intensity, value_range
from medzoo.data.augment.matrices import draw_matrices
from medzoo.data.augment.slices import jitter_slices
from medzoo.data.augment.warp import warp
from medzoo.data.mixup import mixup
from medzoo.errors import refuse_unknown

AXES = ("horizontal", "vertical", "depth")
_SPATIAL = ("flip", "quarter_turns", "rotation", "tilt", "scale", "stretch", "shift", "elastic")
_INTENSITY = ("bias_field", "gamma", "contrast", "brightness", "noise")

# Control points along an axis, the outermost outside of the image: four pieces for displacements, one for a bias field.
_ELASTIC_CONTROLS, _BIAS_CONTROLS = 7, 4
# Cubic B-splines over four pieces do not fold an image onto itself while displacements stay below this.
# Source: Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", 2000.
_MOST_ELASTIC = 0.1


@dataclass(frozen=True)
class Augmentation:
    """How much images and volumes of a batch may change; each draws its own values, uniformly unless said.

    Spatial changes are made with one interpolation: linear for images, nearest for masks. Beyond the border lies the
    darkest value of the image, or 0 where that is above 0. Intensity changes follow in the order below.

    Args:
        flip: Axes along which an image is mirrored half of the time: "horizontal", "vertical", in volumes "depth".
        quarter_turns: Whether to turn images in the plane of height and width by 0, 90, 180 or 270 degrees, each as
            often; for scans whose files do not agree on which side is up.
        rotation: Largest angle in degrees, either way, in the plane of height and width, beside the quarter turns.
        tilt: The same for the two other planes of a volume. Voxels count as cubes.
        scale: Largest relative change of size: 0.2 draws a factor from 1 / 1.2 to 1.2, uniform in its logarithm.
        stretch: The same for the ratio of height to width, and of depth to width.
        shift: Largest shift as a fraction of the size, either way along each axis.
        elastic: Largest displacement of a smooth random field as a fraction of the size along each axis, at most 0.1;
            typical ones are a fourth of it.
        bias_field: Largest relative change of intensity above the darkest value, smooth over the image as the coils of
            an MR scanner make it; drawn like `scale`.
        gamma: Largest relative change of the exponent; drawn like `scale`. It acts on intensities in [0, 1], or on the
            range of the channel where this is larger.
        contrast: Largest relative change of contrast about 0; drawn like `scale`.
        brightness: Largest value added or taken away, in the units of the network's input.
        noise: Largest standard deviation of Gaussian noise, in the units of the network's input; drawn from 0.
        slice_jitter: Largest shift of the middle slice of a stack, in slices; images come with as many more channels
            at each end. Comes before all else.
        mixup: Parameter of the Beta distribution that blends images and targets of a batch; only for targets
            `(batch, k)` of floats. See `medzoo.data.mixup`.

    Raises:
        ValueError: An axis is unknown, or a value is negative or too large.

    Example:
        >>> augment = Augmentation(flip=("horizontal",), rotation=10, elastic=0.05, noise=0.1)
        >>> images, masks = tf.zeros((2, 8, 8, 8, 1)), tf.zeros((2, 8, 8, 8, 1), tf.uint8)
        >>> images, masks = augment(images, masks, seed=(1, 2))
        >>> images.shape
        TensorShape([2, 8, 8, 8, 1])
    """

    flip: tuple[str, ...] = ()
    quarter_turns: bool = False
    rotation: float = 0.0
    tilt: float = 0.0
    scale: float = 0.0
    stretch: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    bias_field: float = 0.0
    gamma: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    noise: float = 0.0
    slice_jitter: int = 0
    mixup: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "flip", tuple(self.flip))
        refuse_unknown("flip axis", self.flip, AXES)
        for name in set(self.__dataclass_fields__) - {"flip", "quarter_turns"}:
            value = getattr(self, name)
            if not (isinstance(value, numbers.Real) and 0 <= value < math.inf):
                raise ValueError(
                    f"Augmentation expects numbers, and `{name}` must not be negative. Received: {value!r}."
                )
        if self.elastic > _MOST_ELASTIC:
            raise ValueError(
                f"Augmentation `elastic` must be at most {_MOST_ELASTIC}, a fraction of the size; "
                f"more folds the image onto itself. Received: {self.elastic}."
            )
        if not isinstance(self.slice_jitter, int):
            raise ValueError(f"Augmentation `slice_jitter` must be a number of slices. Received: {self.slice_jitter}.")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Augmentation:
        """Make an Augmentation of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the augmentation", value, cls.__dataclass_fields__)
        return cls(**value)

    def __call__(self, images: tf.Tensor, targets: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Change a batch; the same seed gives the same pixels.

        Args:
            images: `(batch, height, width, channels)` or `(batch, depth, height, width, channels)` float32.
            targets: Masks `(batch, [depth,] height, width, 1)` of label indices, uint8, which move along; or
                `(batch, k)` class indices, one-hot classes or values, which only mixup changes.
            seed: Two integers, shape `(2,)`.

        Returns:
            Images and targets of the same shapes and types; `slice_jitter` takes its channels off the images.

        Raises:
            ValueError: A change does not fit the shape of the images or the targets.
        """
        images, targets = tf.convert_to_tensor(images), tf.convert_to_tensor(targets)
        self._check(images, targets)
        draws = Draws(tf.shape(images)[0], seed)
        if self.slice_jitter:
            offsets = draws.whole("slice_jitter", 2 * self.slice_jitter + 1)
            images = jitter_slices(images, offsets, self.slice_jitter)
        values = value_range(images)
        if any(getattr(self, name) for name in _SPATIAL):
            images, targets = self._move(images, values, targets, draws)
        if any(getattr(self, name) for name in _INTENSITY):
            images = self._change_intensity(images, values, draws)
        return mixup(images, targets, self.mixup, draws.seed("mixup")) if self.mixup else (images, targets)

    def _check(self, images: tf.Tensor, targets: tf.Tensor) -> None:
        if images.shape.rank not in (4, 5):
            raise ValueError(f"Augmentation expects images (batch, [depth,] height, width, channels): {images.shape}.")
        if targets.shape.rank not in (2, images.shape.rank):
            raise ValueError(
                "Augmentation expects masks (batch, [depth,] height, width, 1) or targets (batch, k) for images of "
                f"shape {images.shape}. Received: shape {targets.shape}."
            )
        for name, used in (("tilt", self.tilt), ('flip="depth"', "depth" in self.flip)):
            if used and images.shape.rank == 4:
                raise ValueError(
                    f"Augmentation `{name}` expects volumes (batch, depth, height, width, channels). "
                    f"Received: shape {images.shape}. Remove it from the recipe of a 2D network."
                )

    def _move(self, images: tf.Tensor, values: tuple, targets: tf.Tensor, draws: Draws) -> tuple[tf.Tensor, tf.Tensor]:
        dimensions = images.shape.rank - 2
        shape = (dimensions, *[_ELASTIC_CONTROLS] * dimensions)
        controls = draws.controls("elastic", shape, self.elastic) if self.elastic else None
        masks = targets if targets.shape.rank == images.shape.rank else None
        images, masks = warp(images, values[0], masks, draw_matrices(self, draws, dimensions), controls)
        return images, targets if masks is None else masks

    def _change_intensity(self, images: tf.Tensor, values: tuple, draws: Draws) -> tf.Tensor:
        shape = (_BIAS_CONTROLS,) * (images.shape.rank - 2)
        return change_intensity(
            images,
            *values,
            draws.controls("bias_field", shape, math.log1p(self.bias_field)) if self.bias_field else None,
            draws.factor("gamma", self.gamma) if self.gamma else None,
            draws.factor("contrast", self.contrast) if self.contrast else None,
            draws.uniform("brightness", self.brightness) if self.brightness else None,
            *((draws.part("noise", self.noise), draws.keys("noise")) if self.noise else (None, None)),
        )
