"""How much the images of a training may change, as a recipe says it."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from medzoo.data.augment.backend import draw, ops_of
from medzoo.data.augment.draws import draw_parameters
from medzoo.data.augment.intensity import change_intensity, value_range
from medzoo.data.augment.mixup import jitter_slices, mixup
from medzoo.data.augment.warp import warp
from medzoo.errors import refuse_unknown

AXES = ("horizontal", "vertical", "depth")
# In the order of the arguments of `change_intensity`.
_INTENSITY = ("bias_field", "gamma", "contrast", "brightness", "noise", "noise_keys")

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
            `(batch, k)` of floats. See `medzoo.data.augment.mixup`.

    Raises:
        ValueError: An axis is unknown, or a value is negative or too large.

    Example:
        >>> import numpy as np
        >>> augment = Augmentation(flip=("horizontal",), rotation=10, elastic=0.05, noise=0.1)
        >>> images, masks = np.zeros((2, 8, 8, 8, 1), np.float32), np.zeros((2, 8, 8, 8, 1), np.uint8)
        >>> images, masks = augment(images, masks, seed=(1, 2))
        >>> tuple(images.shape)
        (2, 8, 8, 8, 1)
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

    def __call__(self, images: Any, targets: Any, seed: Any) -> tuple[Any, Any]:
        """Change a batch; the same seed gives the same pixels, on every backend but for rounding.

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
