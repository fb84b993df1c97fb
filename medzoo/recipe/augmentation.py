"""How much the images of a training may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from medzoo.preprocessing.checks import AXES
from medzoo.recipe.part import Part
from medzoo.recipe.values import FLAG, Value, number, several, whole

# Cubic B-splines over four pieces do not fold an image onto itself while displacements stay below this.
# Source: Choi and Lee, "Injectivity conditions of 2D and 3D uniform cubic B-spline functions", 2000.
_MOST_ELASTIC = 0.1

_AMOUNTS = ("rotation", "tilt", "scale", "stretch", "shift", "bias_field", "gamma", "contrast", "brightness", "noise")


@dataclass(frozen=True, eq=False)
class Augmentation(Part):
    """How much images and volumes of a batch may change; each draws its own values, uniformly unless stated otherwise.

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
            `(batch, k)` of floats. See `medzoo.data.augment.augmentation.mixup`.

    Raises:
        ValueError: An axis is unknown, or a value is negative or too large.

    Example:
        >>> Augmentation(flip=("horizontal",), rotation=10).to_json()
        {'flip': ['horizontal'], 'rotation': 10}
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

    FIELD = "augmentation"
    VALUES: ClassVar[Mapping[str, Value]] = {
        "flip": several(AXES),
        "quarter_turns": FLAG,
        **dict.fromkeys(_AMOUNTS, number(0)),
        "elastic": number(0, _MOST_ELASTIC),
        "slice_jitter": whole(0),
        "mixup": number(0),
    }
