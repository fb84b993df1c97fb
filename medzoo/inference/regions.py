"""The separate regions of a mask: how large they are, how long, and where they lie."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from medzoo.io import Scan

# More regions of a label than this are counted, not listed: noise may have thousands.
LISTED = 20


def regions_of(mask: np.ndarray, scan: Scan) -> tuple[int, list[dict[str, Any]]]:
    """Measure the separate regions of one label.

    Pixels that touch, also by a corner, are one region. Lengths are measured in the plane of a slice, of a volume in
    the slice in which the region is largest: the longest line between two edges of its pixels, and its extent at right
    angles to that line.

    Args:
        mask: Whether a pixel has the label, bool in `scan.shape`.
        scan: The scan.

    Returns:
        The number of regions, and the `LISTED` largest of them, the largest first, each with `pixels`, `area_mm2` or
        `volume_mm3`, `longest` and `perpendicular` with their `unit` ("mm", or "px" where the scan states no spacing),
        `box` (`left`, `top`, `width`, `height` in pixels as displayed; of a volume `first_slice` and `last_slice`, foot
        to head from 0), and of a volume whose orientation is known the `side` of the patient and `front`: whether the
        middle of the region lies in the anterior half of the image.
    """
    from scipy import ndimage

    labelled, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    sizes = np.bincount(labelled.ravel(), minlength=count + 1)[1:]
    largest = np.argsort(-sizes, kind="stable")[:LISTED]
    boxes = ndimage.find_objects(labelled)
    return count, [
        _region(labelled[boxes[index]] == index + 1, boxes[index], int(sizes[index]), scan) for index in largest
    ]


def _region(inside: np.ndarray, box: tuple[slice, ...], pixels: int, scan: Scan) -> dict[str, Any]:
    *depth, rows, columns = box
    region: dict[str, Any] = {"pixels": pixels}
    if scan.pixel_size:
        region["volume_mm3" if scan.is_volume else "area_mm2"] = round(pixels * scan.pixel_size, 2)
    plane = inside[np.argmax(np.count_nonzero(inside, axis=(1, 2)))] if scan.is_volume else inside
    spacing = np.array(scan.spacing[-2:] if scan.spacing else (1.0, 1.0))
    longest, perpendicular = diameters(plane, spacing)
    region |= {"longest": longest, "perpendicular": perpendicular, "unit": "mm" if scan.spacing else "px"}
    height, width = rows.stop - rows.start, columns.stop - columns.start
    region["box"] = {"left": columns.start, "top": rows.start, "width": width, "height": height}
    if depth:
        region["box"] |= {"first_slice": depth[0].start, "last_slice": depth[0].stop - 1}
    if scan.orientation is not None:
        # Display order: rows from front to back, columns from the patient's right to left.
        middle = np.argwhere(inside).mean(0)[-2:] + (rows.start + 0.5, columns.start + 0.5)
        region["front"] = bool(middle[0] < scan.shape[-2] / 2)
        region["side"] = "right" if middle[1] < scan.shape[-1] / 2 else "left"
    return region


def diameters(plane: np.ndarray, spacing: np.ndarray) -> tuple[float, float]:
    """Return the longest line in a region `(height, width)` and its extent at right angles to it.

    Example:
        >>> diameters(np.ones((2, 4), bool), np.array([3.0, 2.0]))
        (10.0, 9.6)
    """
    pixels = np.argwhere(plane)
    corners = (pixels[:, None] + np.array([(0, 0), (0, 1), (1, 0), (1, 1)])).reshape(-1, 2) * spacing
    hull = cv2.convexHull(np.unique(corners, axis=0).astype(np.float32))[:, 0].astype(np.float64)
    ways = hull[:, None] - hull[None]
    lengths = np.linalg.norm(ways, axis=-1)
    first, second = np.unravel_index(np.argmax(lengths), lengths.shape)
    along = ways[first, second] / lengths[first, second]
    across = hull @ np.array([-along[1], along[0]])
    return round(float(lengths[first, second]), 2), round(float(across.max() - across.min()), 2)
