"""The evidence that a model sees in a scan, in the grid of its file."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medzoo.inference import Prediction
from medzoo.io import Scan, restore, write_image
from medzoo.io.answers import Write
from medzoo.io.formats import answer_suffix
from medzoo.io.write import write_heatmap
from medzoo.task import Task
from medzoo.transforms.intensity import to_display

# Slices in a montage at most, and the part of the highest slice's evidence from which on a slice is shown.
_TILES, _EVIDENT = 12, 0.5

# How much of a picture its strongest evidence covers.
_OPACITY = 0.6


class Explanation(Prediction):
    """The answer of `medzoo.explain` for one scan.

    Args:
        scan: The scan.
        task: The model's task.
        displayed: Evidence from 0 to 1 in the order of `scan.array`, `scan.shape`.
        label: Label that is explained, of a regression the name of the target.
        score: Probability of the label, value of a regression, or share of the network's pixels that have the label.
        layer: Name of the layer whose features were weighted.
        method: `"gradcam"` or `"gradcam++"`.
    """

    def __init__(
        self, scan: Scan, task: Task, displayed: np.ndarray, label: str, score: float, layer: str, method: str
    ):
        super().__init__(scan, task)
        self.displayed = displayed
        self.label = label
        self.score = score
        self.layer = layer
        self.method = method

    @property
    def summary(self) -> str:
        """What is explained, and its score."""
        return f"{self.label} {self.score:.4g}"

    @cached_property
    def heatmap(self) -> np.ndarray:
        """Evidence from 0 to 1, float32: `(height, width)`, or a volume with the axes of its file."""
        return restore(self.displayed, self.scan)

    def to_json(self) -> dict[str, Any]:
        """Return what was explained, and the index into `heatmap` of its strongest evidence; None without any."""
        peak = np.unravel_index(np.argmax(self.heatmap), self.heatmap.shape)
        return {
            "source": self.source,
            "task": self.task.name,
            "label": self.label,
            "score": round(self.score, 4),
            "method": self.method,
            "layer": self.layer,
            "shape": list(self.heatmap.shape),
            "peak": [int(index) for index in peak] if self.heatmap[peak] > 0 else None,
        }

    def save(self, path: str | os.PathLike) -> Path:
        """Write the heatmap in the grid of the source: grey PNG for a picture, NIfTI of float32 for a volume."""
        write_heatmap(path, self.displayed, self.scan)
        return Path(path)

    def overlay(self, path: str | os.PathLike) -> Path:
        """Write a PNG of the scan under the colours of the evidence, blue to red.

        Of a volume it shows up to 12 slices, each with its number in display order, foot to head from 0: those with
        the most evidence, or the middle one if there is none.
        """
        scan = self.full_scan
        if not scan.is_volume:
            write_image(path, draw_heatmap(to_display(scan.array), self.displayed))
            return Path(path)
        slices = evident_slices(self.displayed)
        tiles = [draw_heatmap(to_display(scan.array[index]), self.displayed[index]) for index in slices]
        write_image(path, draw_montage(tiles, [str(index) for index in slices]))
        return Path(path)

    # The files of a prediction stand beside them.
    _record = "_explanation.json"

    def _files(self) -> dict[str, tuple[str, Write]]:
        heatmap = f"_heatmap{answer_suffix(self.scan)}"
        return {"heatmap": (heatmap, self.save), "overlay": ("_explanation.png", self.overlay)}


def evident_slices(volume: np.ndarray) -> list[int]:
    """Return the slices to show: that with the most evidence, and others with at least half of it, evenly spread."""
    evidence = volume.sum(axis=(1, 2))
    if not evidence.any():
        return [len(volume) // 2]
    most = int(np.argmax(evidence))
    others = np.flatnonzero(evidence >= _EVIDENT * evidence[most])
    picks = np.linspace(0, len(others) - 1, min(_TILES - 1, len(others)))
    return sorted({most, *others[np.rint(picks).astype(int)].tolist()})


def draw_heatmap(image: np.ndarray, heatmap: np.ndarray) -> np.ndarray:
    """Colour an RGB image `(height, width, 3)` uint8, the more the higher the heatmap `(height, width)` is."""
    colors = cv2.applyColorMap(np.rint(255 * heatmap).astype(np.uint8), cv2.COLORMAP_TURBO)[..., ::-1]
    opacity = _OPACITY * heatmap[..., None]
    return np.rint(image * (1 - opacity) + colors * opacity).astype(np.uint8)


def draw_montage(tiles: list[np.ndarray], titles: list[str]) -> np.ndarray:
    """Lay RGB images `(height, width, 3)` uint8 of one size in rows, with a title in the corner of each."""
    columns = int(np.ceil(np.sqrt(len(tiles))))
    height, width, _ = tiles[0].shape
    canvas = np.zeros((-(-len(tiles) // columns) * height, columns * width, 3), np.uint8)
    for number, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
        top, left = number // columns * height, number % columns * width
        canvas[top : top + height, left : left + width] = tile
        place = (left + 2, top + round(0.06 * height) + 2)
        cv2.putText(canvas, title, place, cv2.FONT_HERSHEY_SIMPLEX, height / 500, (255, 255, 255), 1, cv2.LINE_AA)
    return canvas
