"""What the page shows of a scan: planes through it, with a window, and over them mask, probability or evidence."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from medzoo.evaluation.gradcam.explanation import Explanation, draw_heatmap
from medzoo.inference import MaskPrediction, Prediction
from medzoo.inference.segmentation import draw_overlay
from medzoo.io import Scan

SCAN, MASK, PROBABILITY, EVIDENCE = "scan", "mask", "probability", "evidence"
# Axes of `scan.array`, by the name of the plane that stands at right angles to each.
PLANES = ("axial", "coronal", "sagittal")
# Sides of a picture on the page, in pixels: small ones are enlarged, large ones reduced.
_LEAST, _MOST = 384, 1024


@dataclass(frozen=True)
class Window:
    """The range of intensities that is shown, from black to white.

    Args:
        center: Its middle, in the units of the scan (HU for CT).
        width: Its width.
    """

    center: float
    width: float


class View:
    """Pictures of one answered scan.

    Args:
        prediction: What a model says of the scan.
    """

    def __init__(self, prediction: Prediction):
        self.scan: Scan = prediction.full_scan
        self.layers: dict[str, np.ndarray] = {}
        if isinstance(prediction, MaskPrediction):
            self.layers = {MASK: prediction.displayed_mask, PROBABILITY: prediction.displayed_foreground}
        # A colour picture in its colours; of several sequences the first.
        is_colour = self.scan.kind == "raster" and self.scan.channels >= 3
        self._pixels = self.scan.array[..., :3] if is_colour else self.scan.array[..., :1]
        self.lowest, self.highest = float(self._pixels.min()), float(self._pixels.max())

    def explain(self, explanation: Explanation) -> None:
        """Add the evidence of an explanation as a layer."""
        self.layers[EVIDENCE] = explanation.displayed

    @property
    def planes(self) -> tuple[str, ...]:
        """The planes that can be shown: one of a picture, three of a volume."""
        return PLANES if self.scan.is_volume else PLANES[:1]

    def depth(self, plane: str) -> int:
        """Return how many slices a plane has."""
        return self.scan.shape[PLANES.index(plane)] if self.scan.is_volume else 1

    @property
    def first(self) -> tuple[int, ...]:
        """The slice of each plane with the most to see: of the mask, else the middle one."""
        if not self.scan.is_volume:
            return (0,)
        mask = self.layers.get(MASK)
        if mask is None or not mask.any():
            return tuple(size // 2 for size in self.scan.shape)
        counts = [np.count_nonzero(mask, axis=tuple({0, 1, 2} - {axis})) for axis in range(3)]
        return tuple(int(np.argmax(count)) for count in counts)

    @property
    def window(self) -> Window:
        """The window to begin with: all of an 8-bit picture, else from the 0.5 to the 99.5 percentile."""
        if self._pixels.dtype == np.uint8:
            return Window(127.5, 255.0)
        step = max(1, self._pixels.size // 2**20)
        low, high = np.percentile(self._pixels.reshape(-1)[::step], (0.5, 99.5))
        return Window(float(low + high) / 2, max(float(high - low), 1e-6))

    def draw(self, plane: str, index: int, layer: str, opacity: float, window: Window) -> bytes:
        """Return a slice as PNG.

        Args:
            plane: One of `planes`; axial and not straight slices are those of the file.
            index: The slice, from foot to head, front to back or right to left, from 0.
            layer: `"scan"`, or what lies over it: `"mask"`, `"probability"`, `"evidence"`.
            opacity: How strong that is, from 0 to 1.
            window: What is black and what is white.
        """
        image = self._resized(_windowed(self._cut(self._pixels, plane, index), window), plane, cv2.INTER_LINEAR)
        values = self.layers.get(layer)
        if values is not None and opacity > 0:
            is_mask = layer == MASK
            over = self._resized(self._cut(values, plane, index), plane, cv2.INTER_NEAREST)
            drawn = draw_overlay(image, over, opacity) if is_mask else draw_heatmap(image, over.astype(np.float32))
            image = drawn if is_mask else cv2.addWeighted(drawn, opacity, image, 1 - opacity, 0)
        return cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1].tobytes()

    def _cut(self, values: np.ndarray, plane: str, index: int) -> np.ndarray:
        if not self.scan.is_volume:
            return values
        axis = PLANES.index(plane)
        cut = np.take(values, min(max(index, 0), values.shape[axis] - 1), axis=axis)
        # The head is up, though slices count from the feet.
        return cut if axis == 0 else cut[::-1]

    def _resized(self, image: np.ndarray, plane: str, how: int) -> np.ndarray:
        """Return a plane with square pixels, in a size for the page."""
        spacing = self.scan.spacing or (1.0,) * len(self.scan.shape)
        rows, columns = [size for axis, size in enumerate(spacing[-3:]) if plane != PLANES[axis] or len(spacing) == 2]
        height, width = image.shape[0] * rows, image.shape[1] * columns
        longest = min(max(*image.shape[:2], _LEAST), _MOST)
        scale = longest / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        smaller = size[0] < image.shape[1] and how != cv2.INTER_NEAREST
        return cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA if smaller else how)


def _windowed(pixels: np.ndarray, window: Window) -> np.ndarray:
    """Return pixels `(height, width, 1 or 3)` as RGB, uint8."""
    low = window.center - window.width / 2
    shown = np.clip((pixels.astype(np.float32) - low) / max(window.width, 1e-6), 0, 1)
    grey = np.rint(255 * shown).astype(np.uint8)
    return grey if grey.shape[-1] == 3 else np.repeat(grey, 3, axis=-1)
