"""The parameters of the changes that an augmentation makes in a batch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medzoo.data.augment.draws import Draws
from medzoo.data.augment.matrices import draw_matrices

if TYPE_CHECKING:
    from medzoo.data.augment.augmentation import Augmentation

SPATIAL = ("flip", "quarter_turns", "rotation", "tilt", "scale", "stretch", "shift", "elastic")

# Control points along an axis, the outermost outside of the image: four pieces for displacements, one for a bias field.
_ELASTIC_CONTROLS, _BIAS_CONTROLS = 7, 4


def draw_parameters(augmentation: Augmentation, dimensions: int, count: int, seed: np.ndarray) -> dict[str, np.ndarray]:
    """Draw the parameters that an augmentation needs for images or volumes.

    Returns:
        `(count, ...)` float32, the keys of the noise int32: arguments of `jitter_slices`, `warp` and
        `change_intensity` by name; those of changes that are not made are left out.
    """
    given, draws = augmentation, Draws(count, seed)
    elastic, bias = (dimensions, *[_ELASTIC_CONTROLS] * dimensions), (_BIAS_CONTROLS,) * dimensions
    table = (
        ("offsets", given.slice_jitter, lambda: draws.whole("slice_jitter", 2 * given.slice_jitter + 1)),
        ("matrices", any(getattr(given, name) for name in SPATIAL), lambda: draw_matrices(given, draws, dimensions)),
        ("controls", given.elastic, lambda: draws.controls("elastic", elastic, given.elastic)),
        ("bias_field", given.bias_field, lambda: draws.controls("bias_field", bias, math.log1p(given.bias_field))),
        ("gamma", given.gamma, lambda: draws.factor("gamma", given.gamma)),
        ("contrast", given.contrast, lambda: draws.factor("contrast", given.contrast)),
        ("brightness", given.brightness, lambda: draws.uniform("brightness", given.brightness)),
        ("noise", given.noise, lambda: draws.part("noise", given.noise)),
        ("noise_keys", given.noise, lambda: draws.keys("noise")),
    )
    return {name: make() for name, used, make in table if used}
