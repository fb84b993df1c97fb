"""Every deterministic step from a file's pixels to the network's input, and the way back into the file's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.transforms.intensity import NORMALIZATIONS, clip_percentiles, to_channels
from medzoo.transforms.spatial import fit_inside, paste, resize

FITS = ("stretch", "pad")


@dataclass(frozen=True)
class Preprocessing:
    """The steps of a 2D model, in this order: channels, size, clip, normalisation, border.

    The same object runs inside tf.data, in `medzoo.predict` and in a server, so that a model sees in use what it saw
    in training.

    Args:
        size: Height and width of the network's input in pixels.
        channels: Number of channels of the network's input.
        fit: `"stretch"` gives the image the size whatever its shape; `"pad"` keeps its shape and adds black borders.
        clip: Percentiles (low, high) between which intensities are clipped, or None.
        normalization: `"rescale"` to [0, 1], `"standardize"` to mean 0 and deviation 1, or None.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> preprocessing = Preprocessing(size=(160, 160), channels=1)
        >>> preprocessing(np.zeros((512, 400, 1), "uint8")).shape
        (160, 160, 1)
    """

    size: tuple[int, int]
    channels: int = 1
    fit: str = "stretch"
    clip: tuple[float, float] | None = None
    normalization: str | None = "rescale"

    def __post_init__(self):
        if not _is_size(self.size) or not _is_count(self.channels):
            raise ValueError(
                "`size` must be (height, width) and `channels` one number, all whole and at least 1. "
                f"Received: size={self.size!r}, channels={self.channels!r}."
            )
        object.__setattr__(self, "size", tuple(self.size))
        if self.fit not in FITS:
            raise unknown_name("fit", self.fit, FITS)
        if self.normalization is not None and self.normalization not in NORMALIZATIONS:
            raise unknown_name("normalization", self.normalization, NORMALIZATIONS)
        if self.clip is not None:
            object.__setattr__(self, "clip", tuple(self.clip))
            if not 0 <= self.clip[0] < self.clip[1] <= 100:
                raise ValueError(f"`clip` must be two rising percentiles from 0 to 100. Received: clip={self.clip}.")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Shape (height, width, channels) of the network's input."""
        return (*self.size, self.channels)

    def __call__(self, image: np.ndarray, shape: tuple[int, int] | None = None) -> np.ndarray:
        """Turn an image `(height, width, channels)` of any type into the input `(*size, channels)` in float32.

        Args:
            image: The pixels.
            shape: Height and width of the image in the file, where `image` was decoded at reduced scale.

        Raises:
            ValueError: The channels cannot be converted to the model's.
        """
        top, left, *inner = self._place(shape or image.shape[:2])
        # Before the resize, which would round the averages of integers: a picture gives one input in every type.
        image = resize(to_channels(image, self.channels).astype(np.float32, copy=False), tuple(inner))
        if self.clip is not None:
            image = clip_percentiles(image, *self.clip)
        if self.normalization is not None:
            image = NORMALIZATIONS[self.normalization](image)
        return paste(image.astype(np.float32, copy=False), self.size, top, left)

    def target(self, draw: Callable[[tuple[int, int]], np.ndarray], shape: tuple[int, int]) -> np.ndarray:
        """Return the label indices `(*size)` of an image of `shape` (height, width).

        Args:
            draw: Function that rasterises the mask at any (height, width), for example `CocoTarget.mask`.
            shape: Height and width of the image in the file.
        """
        top, left, *inner = self._place(shape)
        return paste(draw(tuple(inner)), self.size, top, left)

    def invert(self, answer: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Bring an answer `(*size, outputs)` back into the grid of an image of `shape` (height, width), bilinearly."""
        top, left, height, width = self._place(shape)
        inner = answer[top : top + height, left : left + width]
        return resize(np.ascontiguousarray(inner, np.float32), shape)

    def _place(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return (top, left, height, width) of an image of `shape` in the input."""
        return fit_inside(shape, self.size) if self.fit == "pad" else (0, 0, *self.size)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Preprocessing:
        """Make a Preprocessing of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the preprocessing", value, cls.__dataclass_fields__)
        return cls(**value)


def _is_size(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1
