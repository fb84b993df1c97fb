"""Every deterministic step from a file's pixels to the network's input, and the way back into the file's grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from medzoo.errors import refuse_unknown
from medzoo.io import Scan
from medzoo.preprocessing.checks import DATASET, TILE, check
from medzoo.preprocessing.stack import Stack
from medzoo.preprocessing.windows import Windows, plan
from medzoo.transforms.intensity import scale_channels, settle, to_channels
from medzoo.transforms.spatial import PLACEMENTS, paste, resize, resize_weights, without_padding


@dataclass(frozen=True)
class Preprocessing:
    """The steps of a 2D, 2.5D or 3D model, in this order: channels, size, window, clip, normalisation, mean, border.

    The same object runs inside tf.data, in `medzoo.predict` and in a server, so that a model sees in use what it saw
    in training. Volumes come in display order (`medzoo.Scan`), so their orientation is settled before.

    Args:
        size: Size (height, width) or (depth, height, width) of the network's input in pixels.
        channels: Number of channels of the network's input.
        fit: `"stretch"` gives the image the size whatever its shape; `"pad"` scales it to fit and adds black borders;
            `"crop"` leaves its scale, cuts off what lies outside the centred size and adds black borders; `"tile"`
            leaves its scale and cuts it into overlapping tiles of the size, for segmentations of large scans.
        clip: Percentiles (low, high) between which intensities are clipped, or None.
        normalization: `"rescale"` to [0, 1] by minimum and maximum, `"standardize"` to mean 0 and deviation 1,
            `"robust"` to median 0 and interquartile range 1, `"type_range"` to [0, 1] by the range of the file's
            unsigned type (255 or 65535; other types by their own range), `"dataset"` by `mean` and `std` of all
            training images, which `medzoo.train` measures and stores here, or None. With `channel_names` it may be a
            list of one for each channel.
        mean: Subtracted after the normalisation: one number or one for each channel, or None.
        std: Divisor after that, likewise. `type_range` with mean and std of 0.5 gives -1 to 1.
        window: Centre and width of the window that becomes 0 to 1, in the units of the file (HU for CT), or None.
        spacing: Size of a pixel in mm, in the order of `size`, to which scans are resampled for `"crop"` and `"tile"`.
        stack: For 2.5D: the channels are adjacent slices of a volume, chosen by this; intensities are normalised by the
            whole volume. None for a model of single images or of whole volumes.
        channel_names: Names of channels that are images of their own (sequences, phases, CT beside PET), in their order
            in the input. Each is normalised by itself, and a scan must have just these. None for grey and colours.
        mirrors: Axes along which a scan is predicted mirrored, too, `("horizontal", "vertical")`, in volumes also
            `"depth"`; the answers for all combinations are averaged. Two axes take four times as long. Training does
            not mirror for that. None for no such images.

        overlap: Share of a tile that its neighbours cover at least, 0.5 if None.
        blending: How the answers of tiles become one: `"gaussian"` (by default) trusts the middle of a tile most,
            `"constant"` averages.
        patches: Tiles of each scan that a training sees, 1 if None; they are drawn once.
        foreground: Share of them around what is marked, all labels alike; a third if None. The others lie anywhere.

    Raises:
        ValueError: A value is out of its range, or two do not go together.

    Example:
        >>> preprocessing = Preprocessing(size=(160, 160), channels=1)
        >>> preprocessing(np.zeros((512, 400, 1), "uint8")).shape
        (160, 160, 1)
    """

    size: tuple[int, ...]
    channels: int = 1
    fit: str = "stretch"
    clip: tuple[float, float] | None = None
    normalization: str | tuple[str | None, ...] | None = "rescale"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    window: tuple[float, float] | None = None
    spacing: tuple[float, ...] | None = None
    stack: Stack | None = None
    channel_names: tuple[str, ...] | None = None
    mirrors: tuple[str, ...] | None = None
    overlap: float | None = None
    blending: str | None = None
    patches: int | None = None
    foreground: float | None = None

    def __post_init__(self):
        for name in ("size", "clip", "normalization", "mean", "std", "window", "spacing", "channel_names", "mirrors"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        check(self)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape ([depth,] height, width, channels) of the network's input."""
        return (*self.size, self.channels)

    @property
    def for_training(self) -> Preprocessing:
        """The same steps without mirrors, where a volume makes one stack: averaging is for prediction."""
        return replace(self, mirrors=None, stack=self.stack and replace(self.stack, average=1))

    @property
    def at_least(self) -> tuple[int, ...] | None:
        """Size that an image must be decoded at; None for its own."""
        return None if self.fit in ("crop", TILE) else self.size

    def __call__(
        self,
        image: np.ndarray,
        shape: tuple[int, ...] | None = None,
        spacing: tuple[float, ...] | None = None,
        padding: np.ndarray | None = None,
    ) -> np.ndarray:
        """Turn an image `([depth,] height, width, channels)` of any type into the input `(*size, channels)` in float32.

        Args:
            image: The pixels; for a model with a `stack`, a picture whose channels are its slices already.
            shape: Size of the image in the file, where `image` was decoded at reduced scale.
            spacing: Size of its pixels in mm, if it is known.
            padding: `Scan.padding` of its pixels: where it is True, they are left out of all statistics.

        Raises:
            ValueError: The image is no volume where the model takes volumes, or the reverse; its channels cannot be
                converted to the model's; or it has no spacing where the model resamples.
        """
        pixels = self.with_channels(image).astype(np.float32, copy=False)
        return self.finish(pixels, image.dtype, shape, spacing, padding=padding)

    def with_channels(self, image: np.ndarray) -> np.ndarray:
        """Return an image with the channels of the model.

        Raises:
            ValueError: It has others, which cannot be converted.
        """
        if self.channel_names and image.shape[-1] != self.channels:
            raise ValueError(
                f"The image has {image.shape[-1]} channels; the model takes {self.channels}: "
                f"{', '.join(self.channel_names)}. Give the files of all of them, in this order."
            )
        return to_channels(image, self.channels)

    def resampled(self, shape: tuple[int, ...], spacing: tuple[float, ...] | None) -> tuple[int, ...]:
        """Return the size of an image of `shape` at the scale of the model."""
        return self._place(shape, spacing)[1]

    @property
    def has_channel_statistics(self) -> bool:
        """Whether each channel has a mean and a deviation of its own."""
        return any(value is not None and len(value) > 1 for value in (self.mean, self.std))

    def windows(self, scan: Scan, index: int | None = None, every_slice: bool = False) -> Windows:
        """Say which inputs a scan makes, and how their answers become one in its grid.

        Args:
            scan: The scan.
            index: The slice of a volume to take, or None for the rule of the `stack`.
            every_slice: Whether the model answers each slice, as a 2D segmentation does.

        Raises:
            ValueError: The scan is a volume and the model takes single images, or is none and the model takes stacks.
        """
        return plan(scan, self, index, every_slice)

    def inputs(
        self, scan: Scan, slice: int | None = None, every_slice: bool = False, margin: int = 0
    ) -> Iterator[np.ndarray]:
        """Yield the inputs `(*size, channels)` of a scan: those of `windows`, whose arguments these are.

        Raises:
            ValueError: The scan does not fit the model; the message names it.
        """
        yield from self.windows(scan, slice, every_slice).inputs(margin)

    def finish(
        self,
        pixels: np.ndarray,
        stored_as: np.dtype,
        shape: tuple[int, ...] | None,
        spacing: tuple[float, ...] | None,
        adjust: Callable[[np.ndarray], np.ndarray] | None = None,
        padding: np.ndarray | None = None,
    ) -> np.ndarray:
        """Turn pixels with the model's channels into an input: all steps after the first.

        Args:
            pixels: float32 `([depth,] height, width, channels)`.
            stored_as: Type that they have in the file.
            shape: Size of the image in the file; None for that of `pixels`.
            spacing: Size of its pixels in mm, if it is known.
            adjust: What `intensity` returned for the volume that they belong to; None takes their own statistics.
            padding: True where a pixel does not count in these.
        """
        if pixels.ndim != len(self.input_shape):
            axes = ("depth", "height", "width", "channels")[-len(self.input_shape) :]
            raise ValueError(f"Expected an image of shape ({', '.join(axes)}). Received: shape {pixels.shape}.")
        # Float before the resize, which would round the averages of integers: a picture gives one input in every type.
        corner, inner = self._place(shape or pixels.shape[:-1], spacing)
        resized = resize(pixels, inner)
        adjust = adjust or self.intensity(without_padding(resized, padding), stored_as)
        return paste(adjust(resized).astype(np.float32, copy=False), self.size, corner)

    def intensity(
        self, image: np.ndarray, stored_as: np.dtype, of_channels: bool = True
    ) -> Callable[[np.ndarray], np.ndarray]:
        """Return the step that changes intensities, with the statistics of `image` in it.

        Args:
            image: float32, any shape with the channels last.
            stored_as: Type that it has in the file.
            of_channels: Whether to apply means and deviations that differ by channel.
        """
        if self.normalization == DATASET and self.mean is None:
            raise ValueError(
                "normalization='dataset' needs the mean and the deviation of the training images. medzoo.train "
                "measures them; or call medzoo.data.fit_preprocessing(preprocessing, samples)."
            )
        settled = self._settled(image, stored_as)
        mean, std = self.mean, self.std
        if mean is None or std is None or (self.has_channel_statistics and not of_channels):
            return settled
        return lambda pixels: scale_channels(settled(pixels), mean, std)

    def _settled(self, image: np.ndarray, stored_as: np.dtype) -> Callable[[np.ndarray], np.ndarray]:
        """Return the step that windows, clips and normalises: all channels alike, or each that has a name by itself."""
        names = self.normalization if isinstance(self.normalization, tuple) else (self.normalization,) * self.channels
        if not self.channel_names:
            return settle(image, stored_as, self.window, self.clip, names[0])
        steps = [settle(image[..., index], stored_as, self.window, self.clip, name) for index, name in enumerate(names)]
        return lambda pixels: np.stack([step(pixels[..., index]) for index, step in enumerate(steps)], axis=-1)

    def target(
        self,
        draw: Callable[[tuple[int, ...]], np.ndarray],
        shape: tuple[int, ...],
        spacing: tuple[float, ...] | None = None,
    ) -> np.ndarray:
        """Return the label indices `(*size)` of an image of `shape` ([depth,] height, width).

        Args:
            draw: Function that rasterises the mask at any such size, for example `CocoTarget.mask`.
            shape: Size of the image in the file.
            spacing: Size of its pixels in mm, if it is known.
        """
        corner, inner = self._place(shape, spacing)
        return paste(draw(inner), self.size, corner)

    def invert(
        self, answer: np.ndarray, shape: tuple[int, ...], spacing: tuple[float, ...] | None = None
    ) -> np.ndarray:
        """Bring an answer `(*size, outputs)` back into the grid of an image of `shape`, by linear interpolation.

        What a `"crop"` cut off is 0.
        """
        corner, inner = self._place(shape, spacing)
        whole = paste(answer, inner, tuple(-first for first in corner))
        return resize(np.ascontiguousarray(whole, np.float32), tuple(shape))

    def invert_rows(
        self, answer: np.ndarray, rows: slice, shape: tuple[int, ...], spacing: tuple[float, ...] | None = None
    ) -> Iterator[np.ndarray]:
        """Bring some slices of a volume, or rows of a picture, back into its grid: yield what `invert` has there.

        Only what lies there is made, one output after the other: many labels need no memory at the size of the file.
        """
        corner, inner = self._place(shape, spacing)
        shares = resize_weights(inner[0], shape[0])[rows]
        used = np.flatnonzero(shares.any(axis=0))
        first, last = int(used[0]), int(used[-1]) + 1
        below = (-corner[0] - first, *(-side for side in corner[1:]))
        part = paste(answer, (last - first, *inner[1:]), below)
        for output in range(answer.shape[-1]):
            values = np.ascontiguousarray(part[..., output, None], np.float32)
            if len(shape) == 2:
                resized = resize(values, (last - first, shape[1]))[..., 0]
            else:
                resized = np.stack([resize(plane, tuple(shape[1:]))[..., 0] for plane in values])
            yield np.tensordot(shares[:, first:last], resized, axes=1)

    def _place(
        self, shape: tuple[int, ...], spacing: tuple[float, ...] | None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the corner and the size of an image of `shape` in the input."""
        return PLACEMENTS[self.fit](shape, self.size, spacing, self.spacing)

    def to_json(self) -> dict[str, Any]:
        """Return the values that `from_json` reads back."""
        fields = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}
        # Left out where they are None, as in entries that are older than these fields.
        return {name: value for name, value in fields.items() if value is not None or name in _ALWAYS}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Preprocessing:
        """Make a Preprocessing of its JSON form.

        Raises:
            ValueError: A field is unknown; near matches are in the message.
        """
        refuse_unknown("field of the preprocessing", value, cls.__dataclass_fields__)
        stack = value.get("stack")
        return cls(**{**value, "stack": Stack.from_json(stack)} if stack is not None else value)


_ALWAYS = ("size", "channels", "fit", "clip", "normalization")
