"""The annotations of a COCO file to the objects of each image, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medzoo.data.sources.coco_mask import CocoObject, rle_counts

# A polygon this many image sizes away is in other units than pixels, and its outline would fill the memory.
_FARTHEST = 10


def objects_by_image(
    annotations: Sequence[Any], images: Mapping[Any, dict[str, Any]], label_of: Mapping[Any, int], path: Path
) -> dict[Any, tuple[CocoObject, ...]]:
    """Return the objects of every image in drawing order: by falling area, equal ones in the order of the file.

    Args:
        annotations: The annotations of the file.
        images: Its images by id.
        label_of: The label index by category id.
        path: The file, for messages.

    Raises:
        ValueError: An annotation is wrong; the message names it and its image.
    """
    found: dict[Any, list[tuple[float, CocoObject]]] = {key: [] for key in images}
    for number, annotation in enumerate(annotations):
        if not isinstance(annotation, dict):
            raise ValueError(f"{path}: annotation number {number} is not an object: {str(annotation)[:80]}.")
        name, key = annotation.get("id", f"number {number}"), annotation.get("image_id")
        if key not in images:
            raise ValueError(f"{path}: annotation {name} points to image id {key}, which the file does not list.")
        try:
            found[key].append(_object(annotation, images[key], label_of))
        except ValueError as error:
            file = images[key]["file_name"]
            raise ValueError(f"{path}: image '{file}' (id {key}), annotation {name}: {error}") from error
    return {key: _drawing_order(objects) for key, objects in found.items()}


def _drawing_order(objects: list[tuple[float, CocoObject]]) -> tuple[CocoObject, ...]:
    """Return the objects from the largest to the smallest, without those of the background."""
    return tuple(item for _, item in sorted(objects, key=lambda pair: pair[0], reverse=True) if item.label)


def _object(annotation: dict[str, Any], image: dict[str, Any], label_of: Mapping[Any, int]) -> tuple[float, CocoObject]:
    """Return the area and the object of one annotation."""
    category, shape = annotation.get("category_id"), annotation.get("segmentation")
    if category not in label_of:
        raise ValueError(f"unknown category id {category}. The file lists {', '.join(map(str, label_of))}.")
    height, width = image["height"], image["width"]
    if not shape:
        raise ValueError(
            "it has no segmentation, only a box. Export polygons, or write the box as the polygon "
            "[[x, y, x + w, y, x + w, y + h, x, y + h]]."
        )
    if isinstance(shape, dict):
        counts, area = _run_lengths(shape, height, width)
        return area, CocoObject(label_of[category], counts=counts)
    if not isinstance(shape, list):
        raise ValueError(f"its segmentation must be a list of polygons or an RLE; got {str(shape)[:60]}.")
    area = sum(_polygon_area(polygon, height, width) for polygon in shape)
    return area, CocoObject(label_of[category], polygons=tuple(map(tuple, shape)))


def _polygon_area(polygon: Any, height: int, width: int) -> float:
    """Return the area of a polygon in pixels, or refuse what is not one."""
    try:
        numbers = np.asarray(polygon, dtype=float)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.ndim != 1 or numbers.size < 6 or numbers.size % 2:
        raise ValueError(f"a polygon must be a list x, y, x, y, ... of at least 3 points; got {str(polygon)[:60]}.")
    points = numbers.reshape(-1, 2)
    if not np.isfinite(points).all():
        raise ValueError("a polygon holds NaN or infinity. Remove the annotation or draw it again.")
    if np.abs(points).max() > _FARTHEST * max(height, width):
        raise ValueError(f"a polygon reaches {np.abs(points).max():.6g}, far outside {width} x {height} pixels.")
    x, y = (points - points[0]).T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    # The area of a figure of eight is 0 too, though it covers pixels: only points on one line cover none.
    if area == 0 and np.linalg.matrix_rank(points - points[0]) < 2:
        raise ValueError("a polygon has no area: its points lie on one line. Remove it or draw it again.")
    return area


def _run_lengths(rle: dict[str, Any], height: int, width: int) -> tuple[tuple[int, ...] | str, float]:
    """Return the counts of an RLE as they are stored, and its area in pixels."""
    counts, size = rle.get("counts"), rle.get("size")
    if not isinstance(counts, list | str):
        raise ValueError(f"an RLE must have counts, a list or a string; got {str(counts)[:60]}.")
    if size != [height, width]:
        raise ValueError(f"the RLE has the size {size}; expected that of the image, {[height, width]}.")
    runs = rle_counts(counts)
    if runs.sum() != height * width:
        raise ValueError(f"the RLE covers {runs.sum()} pixels; expected {height} x {width} = {height * width}.")
    return (counts if isinstance(counts, str) else tuple(counts)), float(runs[1::2].sum())
