"""Every deterministic step from a file's pixels to the network's input, and the way back into the file's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown, unknown_name
from medzoo.transforms.intensity import NORMALIZATIONS, clip_percentiles, rescale_type, scale_channels, to_channels
from medzoo.transforms.spatial import fit_inside, paste, region, resize

FITS = ("stretch", "pad")
TYPE_RANGE = "type_range"


@dataclass(frozen=True)
class Preprocessing:
    """The steps of a 2D or 3D model, in this order: channels, size, clip, normalisation, mean and deviation, border.

    The same object runs inside tf.data, in `medzoo.predict` and in a server, so that a model sees in use what it saw
    in training.

    Args:
        size: Size (height, width) or (depth, height, width) of the network's input in pixels.
        channels: Number of channels of the network's input.
        fit: `"stretch"` gives the image the size whatever its shape; `"pad"` keeps its shape and adds black borders.
        clip: Percentiles (low, high) between which intensities are clipped, or None.
        normalization: `"rescale"` to [0, 1], `"standardize"` to mean 0 and deviation 1, `"type_range"` to [0, 1] by the
            range of the file's unsigned type (255 or 65535; other types by their own range), or None.
        mean: What is subtracted after that, one number or one for each channel, or None.
        std: What is divided by then, likewise.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> preprocessing = Preprocessing(size=(160, 160), channels=1)
        >>> preprocessing(np.zeros((512, 400, 1), "uint8")).shape
        (160, 160, 1)
    """

    size: tuple[int, ...]
    channels: int = 1
    fit: str = "stretch"
    clip: tuple[float, float] | None = None
    normalization: str | None = "rescale"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self):
        if not _is_size(self.size) or not _is_count(self.channels):
            raise ValueError(
                "`size` must be (height, width) or (depth, height, width) and `channels` one number, all whole and at "
                "least 1. "
                f"Received: size={self.size!r}, channels={self.channels!r}."
            )
        object.__setattr__(self, "size", tuple(self.size))
        if self.fit not in FITS:
            raise unknown_name("fit", self.fit, FITS)
        if self.normalization not in (None, TYPE_RANGE, *NORMALIZATIONS):
            raise unknown_name("normalization", self.normalization, (TYPE_RANGE, *NORMALIZATIONS))
        if self.clip is not None:
            object.__setattr__(self, "clip", tuple(self.clip))
            if not 0 <= self.clip[0] < self.clip[1] <= 100:
                raise ValueError(f"`clip` must be two rising percentiles from 0 to 100. Received: clip={self.clip}.")
        self._check_statistics()

    def _check_statistics(self) -> None:
        if self.mean is None and self.std is None:
            return
        lengths = (1, self.channels)
        given = [value if isinstance(value, (tuple, list)) else () for value in (self.mean, self.std)]
        if any(len(value) not in lengths for value in given) or not all(value > 0 for value in given[1]):
            raise ValueError(
                "`mean` and `std` must be given together, each with one number or one for each channel, `std` above 0. "
                f"Received: mean={self.mean}, std={self.std}, channels={self.channels}."
            )
        object.__setattr__(self, "mean", tuple(self.mean))
        object.__setattr__(self, "std", tuple(self.std))

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape ([depth,] height, width, channels) of the network's input."""
        return (*self.size, self.channels)

    def __call__(self, image: np.ndarray, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Turn an image `([depth,] height, width, channels)` of any type into the input `(*size, channels)` in float32.

        Args:
            image: The pixels.
            shape: Size of the image in the file, where `image` was decoded at reduced scale.

        Raises:
            ValueError: The image is no volume where the model takes volumes, or the reverse; or its channels cannot be
                converted to the model's.
        """
        if image.ndim != len(self.input_shape):
            axes = ("depth", "height", "width", "channels")[-len(self.input_shape) :]
            raise ValueError(f"Expected an image of shape ({', '.join(axes)}). Received: shape {image.shape}.")
        corner, inner = self._place(shape or image.shape[:-1])
        # Before the resize, which would round the averages of integers: a picture gives one input in every type.
        pixels = to_channels(image, self.channels).astype(np.float32, copy=False)
        return paste(self._normalize(resize(pixels, inner), image.dtype), self.size, corner)

    def _normalize(self, image: np.ndarray, stored_as: np.dtype) -> np.ndarray:
        if self.clip is not None:
            image = clip_percentiles(image, *self.clip)
        if self.normalization == TYPE_RANGE:
            image = rescale_type(image, stored_as)
        elif self.normalization is not None:
            image = NORMALIZATIONS[self.normalization](image)
        if self.mean is not None:
            image = scale_channels(image, self.mean, self.std)
        return image.astype(np.float32, copy=False)

    def target(self, draw: Callable[[tuple[int, ...]], np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
        """Return the label indices `(*size)` of an image of `shape` ([depth,] height, width).

        Args:
            draw: Function that rasterises the mask at any such size, for example `CocoTarget.mask`.
            shape: Size of the image in the file.
        """
        corner, inner = self._place(shape)
        return paste(draw(inner), self.size, corner)

    def invert(self, answer: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Bring an answer `(*size, outputs)` back into the grid of an image of `shape`, by linear interpolation."""
        inner = answer[region(*self._place(shape))]
        return resize(np.ascontiguousarray(inner, np.float32), tuple(shape))

    def _place(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the corner and the size of an image of `shape` in the input."""
        return fit_inside(shape, self.size) if self.fit == "pad" else ((0,) * len(self.size), self.size)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        # Left out where they are not used, as in the entries of before they existed.
        return {name: value for name, value in fields.items() if value is not None or name not in ("mean", "std")}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Preprocessing:
        """Make a Preprocessing of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the preprocessing", value, cls.__dataclass_fields__)
        return cls(**value)


def _is_size(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) in (2, 3) and all(map(_is_count, value))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 1
