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
from medzoo.io.dicom.segmentation import SEG_SUFFIX, write_segmentation
from medzoo.io.formats import answer_suffix
from medzoo.preprocessing.windows import Place, Windows
from medzoo.transforms.intensity import to_display

if TYPE_CHECKING:
    from medzoo.task import Segmentation

# More boxes of a label than this are counted, not listed: a noisy answer may have hundreds of thousands.
LISTED_BOXES = 100

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
    # Whether `save_all` writes a DICOM Segmentation, and of which kind: "LABELMAP" or "BINARY".
    as_seg, seg_kind = False, "LABELMAP"

    def __init__(self, windows: Windows, task: Segmentation, answer: np.ndarray):
        super().__init__(windows.scan, task)
        self._windows = windows
        self._answer = answer
        self._picture: list[np.ndarray] | None = None

    @cached_property
    def mask(self) -> np.ndarray:
        """Label indices, uint8: `(height, width)`, or a volume with the axes of its file."""
        return restore(self.displayed_mask, self.scan)

    @cached_property
    def displayed_mask(self) -> np.ndarray:
        """Label indices, uint8, in the order of `scan.array`: `(height, width)` or `(depth, height, width)`."""
        return self._refined[0]

    @property
    def unrefined_mask(self) -> np.ndarray:
        """The same before the post-processing of the task."""
        return self._decided[0]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities in the grid of `mask` with a last axis of outputs, float32."""
        return restore(
            self._windows.join((place, np.stack([*outputs], -1)) for place, outputs in self._slabs()), self.scan
        )

    @property
    def displayed_foreground(self) -> np.ndarray:
        """Probability that a pixel is not background, float32, in the order of `scan.array`."""
        first = ((place, next(outputs)[..., None]) for place, outputs in self._slabs())
        return self._windows.join((place, 1 - self.task.confidence(output, 0)) for place, output in first)

    @property
    def masses(self) -> np.ndarray:
        """The summed probability of each output `(outputs,)`, float64: how many pixels it is expected to have."""
        slabs = ([output.sum(dtype=np.float64) for output in outputs] for _, outputs in self._slabs())
        return np.sum([*slabs], axis=0)

    def to_json(self) -> dict[str, Any]:
        """Return area, bounding boxes and confidence of every foreground label.

        Pixels are counted in the file's grid. `regions` counts the connected regions; each of the 100 largest has a
        box, `[left, top, width, height]` in pixels as displayed. In a volume a region lies within one slice, which is
        named, foot to head from 0. Confidence is the mean probability of the label over its pixels, None without any.
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

        A scan from DICOM files also takes `.dcm`, a DICOM Segmentation with a label map (extra `[dicom]`). In a PNG
        the labels are spread over 0 to 255, so that a binary mask is black and white; NIfTI holds label indices.
        """
        if os.fspath(path).lower().endswith(SEG_SUFFIX):
            write_segmentation(path, self.displayed_mask, self.scan, self.task.labels, self.maker, self.seg_kind)
        else:
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
            row |= {f"{finding['label']} {key}": finding[key] for key in finding if key not in ("label", "boxes")}
        return row

    def _files(self) -> dict[str, tuple[str, Write]]:
        suffix = SEG_SUFFIX if self.as_seg else answer_suffix(self.scan)
        return {"mask": (f"_mask{suffix}", self.save), "overlay": ("_overlay.png", self.overlay)}

    @property
    def _largest_slice(self) -> int:
        return int(np.argmax(np.count_nonzero(self._slices(self.displayed_mask), axis=(1, 2))))

    @cached_property
    def _refined(self) -> tuple[np.ndarray, np.ndarray]:
        """The mask after post-processing, and the summed confidence of the pixels of each label."""
        if not self.task.postprocess:
            return self._decided
        mask = self.task.refine(self._decided[0], self.scan.pixel_size)
        sums = np.zeros(len(self.task.labels))
        for place, outputs in self._slabs():
            for index, output in enumerate(outputs):
                label = 1 if self.task.is_binary else index
                sums[label] += output[mask[place] == label].sum(dtype=np.float64)
        return mask, sums

    @cached_property
    def _decided(self) -> tuple[np.ndarray, np.ndarray]:
        """The mask in display order, and the summed confidence of the pixels of each label, `(labels,)`."""
        sums = np.zeros(len(self.task.labels))

        def decided() -> Iterator[tuple[Place, np.ndarray]]:
            for place, outputs in self._slabs():
                mask, confidence = self.task.decide_outputs(outputs)
                sums[:] += np.bincount(mask.ravel(), confidence.ravel(), len(sums))
                yield place, mask

        return self._windows.join(decided()), sums

    def _slabs(self) -> Iterator[tuple[Place, Iterator[np.ndarray]]]:
        """Yield the places of the scan, each with the outputs there; those of a picture are kept."""
        if self._picture is not None:
            yield ..., iter(self._picture)
            return
        for place, outputs in self._windows.slabs(self._answer):
            if place is ...:
                self._picture = [*outputs]
            yield place, outputs if self._picture is None else iter(self._picture)

    def _slices(self, displayed: np.ndarray) -> np.ndarray:
        return displayed if self.scan.is_volume else displayed[None]

    def _finding(self, label: int) -> dict[str, Any]:
        is_label = self.displayed_mask == label
        boxes = self._boxes(self._slices(is_label))
        return {**self._measured(label, is_label), "regions": len(boxes), "boxes": boxes[:LISTED_BOXES]}

    def _measured(self, label: int, is_label: np.ndarray) -> dict[str, Any]:
        """Return name, pixels, size in mm and confidence of a label."""
        pixels = int(np.count_nonzero(is_label))
        measured: dict[str, Any] = {"label": self.task.labels[label], "pixels": pixels}
        if self.scan.pixel_size:
            unit = "volume_mm3" if self.scan.is_volume else "area_mm2"
            measured[unit] = round(pixels * self.scan.pixel_size, 3)
        return {**measured, "confidence": round(self._refined[1][label] / pixels, 4) if pixels else None}

    def _boxes(self, slices: np.ndarray) -> list[dict[str, Any]]:
        boxes = []
        for index in np.flatnonzero(slices.any(axis=(1, 2))):
            _, _, regions, _ = cv2.connectedComponentsWithStats(slices[index].astype(np.uint8), connectivity=8)
            for *box, pixels in regions[1:].tolist():
                place = {"slice": int(index)} if self.scan.is_volume else {}
                boxes.append({**place, "box": box, "pixels": pixels})
        return sorted(boxes, key=lambda region: -region["pixels"])


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
