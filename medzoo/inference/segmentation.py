"""The mask for one scan, in the grid of its file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from medzoo.inference.prediction import Prediction
from medzoo.inference.regions import regions_of
from medzoo.io import restore, write_image, write_mask
from medzoo.io.answers import Write
from medzoo.io.formats import answer_suffix
from medzoo.preprocessing.windows import Place, Windows
from medzoo.transforms.intensity import to_display

if TYPE_CHECKING:
    from medzoo.task import Segmentation

# Okabe and Ito's colours, which stay apart for colour-blind readers, the one that stands out on grey first.
LABEL_COLORS = ((213, 94, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (204, 121, 167))


class MaskPrediction(Prediction):
    """What a segmentation model says of one scan.

    Args:
        windows: Which inputs were made of the scan, and the way back into its grid.
        task: The model's task.
        answer: Output of the network `(inputs, *size, outputs)`: for a picture or a 3D model one input, for a volume in
            a 2D model one for each slice.
    """

    task: Segmentation

    def __init__(self, windows: Windows, task: Segmentation, answer: np.ndarray):
        super().__init__(windows.scan, task)
        self._windows = windows
        self._answer = answer
        self._settled: tuple[int, np.ndarray] | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """Label indices, uint8: `(height, width)`, or a volume with the axes of its file."""
        return restore(self.displayed_mask, self.scan)

    @cached_property
    def displayed_mask(self) -> np.ndarray:
        """Label indices, uint8, in the order of `scan.array`: `(height, width)` or `(depth, height, width)`."""
        return self._windows.join(self.task.decide(slab) for _, slab in self._slabs())

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities in the grid of `mask` with a last axis of outputs, float32."""
        return restore(self._windows.join(slab for _, slab in self._slabs()), self.scan)

    @property
    def displayed_foreground(self) -> np.ndarray:
        """Probability that a pixel is not background, float32, in the order of `scan.array`."""
        return self._windows.join(1 - self.task.confidence(slab, 0) for _, slab in self._slabs())

    @property
    def masses(self) -> np.ndarray:
        """The summed probability of each output `(outputs,)`, float64: how many pixels it is expected to have."""
        axes = tuple(range(self.displayed_mask.ndim))
        return sum(slab.sum(axes, dtype=np.float64) for _, slab in self._slabs())

    def to_json(self) -> dict[str, Any]:
        """Return area, bounding boxes and confidence of every foreground label.

        Pixels are counted in the file's grid. A box is `[left, top, width, height]` in pixels as displayed, one for
        each connected region, the largest first; in a volume a region lies within one slice, which is named, foot to
        head from 0. Confidence is the mean probability of the label over its pixels; None where it has none.
        """
        return {
            "source": self.source,
            "task": self.task.name,
            "shape": list(self.mask.shape),
            "spacing_mm": list(self.scan.spacing) if self.scan.spacing else None,
            "labels": [self._finding(label) for label in range(1, len(self.task.labels))],
        }

    def findings(self) -> dict[str, Any]:
        """Return for each foreground label its separate regions as `regions_of` measures them, and its confidence."""
        structures = []
        for index in range(1, len(self.task.labels)):
            is_label = self.displayed_mask == index
            count, regions = regions_of(is_label, self.scan)
            structures.append({**self._measured(index, is_label), "count": count, "regions": regions})
        return {"structures": structures}

    @property
    def summary(self) -> str:
        """The pixels of each foreground label."""
        counts = np.bincount(self.displayed_mask.ravel(), minlength=len(self.task.labels))
        return ", ".join(f"{label} {count} px" for label, count in zip(self.task.labels[1:], counts[1:], strict=True))

    def save(self, path: str | os.PathLike) -> Path:
        """Write the mask: PNG for a picture, NIfTI (`.nii`, `.nii.gz`) for a volume, in the grid of the source.

        In a PNG the labels are spread over 0 to 255, so that a binary mask is black and white; NIfTI holds label
        indices.
        """
        write_mask(path, self.displayed_mask, self.scan, self.task.labels)
        return Path(path)

    def overlay(self, path: str | os.PathLike) -> Path:
        """Write a picture of the scan with the outlines and a tint of the labels; the largest slice of a volume."""
        index = self._largest_slice
        scan, mask = self.full_scan, self._slices(self.displayed_mask)[index]
        write_image(path, draw_overlay(to_display(scan.array[index] if scan.is_volume else scan.array), mask))
        return Path(path)

    def to_row(self) -> dict[str, Any]:
        """Return pixels, area or volume, confidence and number of regions of every foreground label."""
        row: dict[str, Any] = {"source": self.source, "task": self.task.name}
        for finding in self.to_json()["labels"]:
            values = {**finding, "regions": len(finding["boxes"])}
            row |= {f"{finding['label']} {key}": values[key] for key in values if key not in ("label", "boxes")}
        return row

    def _files(self) -> dict[str, tuple[str, Write]]:
        return {"mask": (f"_mask{answer_suffix(self.scan)}", self.save), "overlay": ("_overlay.png", self.overlay)}

    @property
    def _largest_slice(self) -> int:
        return int(np.argmax(np.count_nonzero(self._slices(self.displayed_mask), axis=(1, 2))))

    def _slabs(self) -> Iterator[tuple[Place, np.ndarray]]:
        """Yield the probabilities of the scan part by part, each with its place."""
        return ((place, self._slab(number)) for number, place in enumerate(self._windows.slabs))

    def _slab(self, number: int) -> np.ndarray:
        # The last one is kept: a picture or a volume that is answered as a whole has no other.
        if self._settled is None or self._settled[0] != number:
            self._settled = number, self._windows.answer(self._answer, number)
        return self._settled[1]

    def _slices(self, displayed: np.ndarray) -> np.ndarray:
        return displayed if self.scan.is_volume else displayed[None]

    def _finding(self, label: int) -> dict[str, Any]:
        is_label = self.displayed_mask == label
        return {**self._measured(label, is_label), "boxes": self._boxes(self._slices(is_label))}

    def _measured(self, label: int, is_label: np.ndarray) -> dict[str, Any]:
        """Return name, pixels, size in mm and confidence of a label."""
        pixels = int(np.count_nonzero(is_label))
        measured: dict[str, Any] = {"label": self.task.labels[label], "pixels": pixels}
        if self.scan.pixel_size:
            unit = "volume_mm3" if self.scan.is_volume else "area_mm2"
            measured[unit] = round(pixels * self.scan.pixel_size, 3)
        return {**measured, "confidence": self._confidence(label, pixels)}

    def _confidence(self, label: int, pixels: int) -> float | None:
        total = 0.0
        for number, place in enumerate(self._windows.slabs):
            is_label = self.displayed_mask[place] == label
            if is_label.any():
                confidence = self.task.confidence(self._slab(number), label)
                total += _sum_of(confidence, is_label)
        return round(total / pixels, 4) if pixels else None

    def _boxes(self, slices: np.ndarray) -> list[dict[str, Any]]:
        boxes = []
        for index in np.flatnonzero(slices.any(axis=(1, 2))):
            _, _, regions, _ = cv2.connectedComponentsWithStats(slices[index].astype(np.uint8), connectivity=8)
            for *box, pixels in regions[1:].tolist():
                place = {"slice": int(index)} if self.scan.is_volume else {}
                boxes.append({**place, "box": box, "pixels": pixels})
        return sorted(boxes, key=lambda region: -region["pixels"])


def _sum_of(values: np.ndarray, chosen: np.ndarray) -> float:
    """Return the sum of the chosen values, exact enough for any number of slices."""
    planes = (values, chosen) if chosen.ndim == 3 else (values[None], chosen[None])
    return sum(float(plane[where].sum()) for plane, where in zip(*planes, strict=True))


def draw_overlay(image: np.ndarray, mask: np.ndarray, opacity: float = 0.3) -> np.ndarray:
    """Tint and outline the labels of `mask` `(height, width)` on an RGB image `(height, width, 3)` uint8."""
    drawn = image.copy()
    for label in range(1, int(mask.max(initial=0)) + 1):
        color = LABEL_COLORS[(label - 1) % len(LABEL_COLORS)]
        region = mask == label
        drawn[region] = ((1 - opacity) * image[region] + opacity * np.array(color)).astype(np.uint8)
        outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, outlines, -1, color, max(1, round(max(image.shape) / 256)))
    return drawn
